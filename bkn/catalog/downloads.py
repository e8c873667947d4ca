"""The cards of the datasets that are fetched on demand, with their files as torchvision lists them.

Sizes are those of the files as they were published; what decides is the checksum.
"""

from bkn.cards import DatasetCard, RemoteFile

CIFAR = "https://www.cs.toronto.edu/~kriz"
SVHN = "http://ufldl.stanford.edu/housenumbers"
IDX = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
HUNDRED = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""


def idx_files(
    folder: str, urls: tuple[str, ...], *files: tuple[int, str]
) -> tuple[RemoteFile, ...]:
    """The four files of a dataset in MNIST's format, from their sizes and checksums."""
    found = []
    for name, (size, md5) in zip(IDX, files, strict=True):
        plain = f"{folder}/raw/{name}-ubyte"
        sources = tuple(f"{url}/{name}-ubyte.gz" for url in urls)
        found.append(RemoteFile(f"{plain}.gz", size, md5, sources, ((plain, ""),)))
    return tuple(found)


def cifar_file(name: str, size: int, md5: str, folder: str, **held: str) -> tuple[RemoteFile, ...]:
    """The archive of a dataset in CIFAR's format, from what it holds with its checksums."""
    holds = tuple((f"{folder}/{path.replace('__', '.')}", one) for path, one in held.items())
    return (RemoteFile(name, size, md5, (f"{CIFAR}/{name}",), holds),)


CARDS = (
    DatasetCard(
        "mnist",
        "MNIST, 70,000 handwritten digits",
        "Handwritten digits in grey, 28x28 pixels: easy, and known to everybody.",
        "bkn.data.downloaded:mnist",
        source="LeCun, Cortes & Burges 1998, CC BY-SA 3.0; downloaded, about 12 MB",
        train=60_000,
        test=10_000,
        shape=(1, 28, 28),
        classes=tuple("0123456789"),
        files=idx_files(
            "MNIST",
            ("https://ossci-datasets.s3.amazonaws.com/mnist", "http://yann.lecun.com/exdb/mnist"),
            (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
            (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
            (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
    ),
    DatasetCard(
        "fashion_mnist",
        "Fashion-MNIST, 70,000 pieces of clothing",
        "Clothing in grey, 28x28 pixels: as small as MNIST, and harder.",
        "bkn.data.downloaded:fashion_mnist",
        source="Xiao, Rasul & Vollgraf 2017, Zalando, MIT licence; downloaded, about 31 MB",
        train=60_000,
        test=10_000,
        shape=(1, 28, 28),
        classes=(
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        ),
        files=idx_files(
            "FashionMNIST",
            ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",),
            (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
    ),
    DatasetCard(
        "cifar10",
        "CIFAR-10, 60,000 photos of ten things",
        "Photos in colour, 32x32 pixels: the usual test of small networks.",
        "bkn.data.downloaded:cifar10",
        source="Krizhevsky 2009, Toronto, no licence stated; downloaded, about 170 MB",
        train=50_000,
        test=10_000,
        shape=(3, 32, 32),
        classes=(
            "airplane", "automobile", "bird", "cat", "deer",
            "dog", "frog", "horse", "ship", "truck",
        ),
        files=cifar_file(
            "cifar-10-python.tar.gz", 170_498_071, "c58f30108f718f92721af3b95e74349a",
            "cifar-10-batches-py",
            data_batch_1="c99cafc152244af753f735de768cd75f",
            data_batch_2="d4bba439e000b95fd0a9bffe97cbabec",
            data_batch_3="54ebc095f3ab1f0389bbae665268c751",
            data_batch_4="634d18415352ddfa80567beed471001a",
            data_batch_5="482c414d41f54cd18b22e5b47cb7c3cb",
            test_batch="40351d587109b95175f43aff81a1287e",
            batches__meta="5ff9c542aee3614f3951f8cda6e48888",
        ),
    ),
    DatasetCard(
        "cifar100",
        "CIFAR-100, 60,000 photos of a hundred things",
        "Photos in colour, 32x32 pixels: as CIFAR-10, with ten times the classes and a tenth of "
        "the images for each.",
        "bkn.data.downloaded:cifar100",
        source="Krizhevsky 2009, Toronto, no licence stated; downloaded, about 169 MB",
        train=50_000,
        test=10_000,
        shape=(3, 32, 32),
        classes=tuple(HUNDRED.split()),
        files=cifar_file(
            "cifar-100-python.tar.gz", 169_001_437, "eb9058c3a382ffc7106e4002c42a8d85",
            "cifar-100-python",
            train="16019d7e3df5f24257cddd939b257f8d",
            test="f0ef6b0ae62326f3e7ffdfab6717acfc",
            meta="7973b15100ade9c7d40fb424638fde48",
        ),
    ),
    DatasetCard(
        "svhn",
        "SVHN, 99,289 house numbers",
        "The middle digit of house numbers, photos in colour, 32x32 pixels, with the neighbours' "
        "edges in the picture.",
        "bkn.data.downloaded:svhn",
        source="Netzer et al. 2011, Stanford, for non-commercial use; downloaded, about 246 MB",
        train=73_257,
        test=26_032,
        shape=(3, 32, 32),
        classes=tuple("0123456789"),
        files=tuple(
            RemoteFile(name, size, md5, (f"{SVHN}/{name}",))
            for name, size, md5 in (
                ("train_32x32.mat", 182_040_794, "e26dedcc434d2e4c54c9b2d4a06d8373"),
                ("test_32x32.mat", 64_275_384, "eb5a983be6a315427106f1b164d9cef3"),
            )
        ),
    ),
)  # fmt: skip
