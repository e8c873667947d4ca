"""Faults in fetched datasets, in folders of pictures, and in augmentation."""

from tests.faults import Fault

TRANSFER, WHOLE = "tests/fetch/test_transfer.py", "tests/fetch/test_dataset.py"
COMMAND, READ = "tests/fetch/test_command.py", "tests/data/test_downloaded.py"
FOLDER, CROPS = "tests/data/test_folder.py", "tests/data/test_augment.py"
BATCHES = "tests/training/test_batches.py"

FAULTS = [
    Fault(
        "bkn/fetch/transfer.py",
        "    if not is_whole(part, file.md5):\n",
        "    if False:\n",
        f"{TRANSFER}::test_what_always_comes_wrong_is_never_kept",
        "what comes is kept without its checksum",
    ),
    Fault(
        "bkn/fetch/transfer.py",
        "    if total is not None and have < total:\n",
        "    if False:\n",
        f"{TRANSFER}::test_what_never_comes_to_its_end_is_said_and_kept_to_go_on_with",
        "a transfer that broke off counts as one that has come to its end",
    ),
    Fault(
        "bkn/fetch/transfer.py",
        "goes_on = answer.status == 206 and _begin(answer) == have",
        "goes_on = bool(have)",
        f"{TRANSFER}::test_a_server_that_cannot_go_on_begins_anew",
        "the whole file is added to its first half",
    ),
    Fault(
        "bkn/fetch/transfer.py",
        "                left.remove(url)\n",
        "                pass\n",
        f"{TRANSFER}::test_a_server_that_does_not_have_it_is_not_asked_again[404]",
        "who does not have a file is asked again and again",
    ),
    Fault(
        "bkn/fetch/dataset.py",
        "        if not is_whole(folder / file.path, file.md5):\n",
        "        if not (folder / file.path).exists():\n",
        f"{WHOLE}::test_a_damaged_file_is_refused_and_fetched_again[cifar10]",
        "an archive is taken for whole because it is there",
    ),
    Fault(
        "bkn/fetch/dataset.py",
        "    if any(damaged(file, folder) for file in card.files):\n",
        "    if False:\n",
        f"{WHOLE}::test_damage_that_keeps_length_and_time_is_found_before_it_is_read",
        "training reads files whose checksum is wrong",
    ),
    Fault(
        "bkn/fetch/unpack.py",
        "fresh = target.with_name(target.name + PART)",
        "fresh = target",
        f"{WHOLE}::test_an_archive_that_holds_something_else_is_refused",
        "a file is unpacked in its place before it is known to be whole",
    ),
    Fault(
        "bkn/fetch/lock.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        f"{WHOLE}::test_two_at_once_share_one_transfer",
        "two fetch the same file at once",
    ),
    Fault(
        "bkn/fetch/state.py",
        "    if noted and all(_stamp(folder / path) == stamp for path, stamp in noted.items()):\n",
        "    if noted and all((folder / path).exists() for path in noted):\n",
        f"{WHOLE}::test_a_damaged_file_is_refused_and_fetched_again[svhn]",
        "the page takes a file for whole whatever became of it",
    ),
    Fault(
        "bkn/engine/supervisor.py",
        "        require(race.common.dataset_card)\n        with self._lock",
        "        with self._lock",
        f"{COMMAND}::test_a_race_on_missing_images_is_refused_and_fetches_nothing[train]",
        "a race is started on images that are not here",
    ),
    Fault(
        "bkn/data/stored.py",
        "variance.clamp(min=0).sqrt().clamp(min=1.0)",
        "variance",
        f"{READ}::test_mean_and_deviation_are_exact",
        "images are divided by their variance",
    ),
    Fault(
        "bkn/data/downloaded.py",
        ".permute(0, 3, 1, 2)",
        ".transpose(1, 3)",
        f"{READ}::test_tiny_files_of_the_real_format_are_read[cifar10]",
        "CIFAR's photos lie on their side",
    ),
    Fault(
        "bkn/data/augment.py",
        "torch.where(seen[:, None], taken, taken.new_zeros(()))",
        "taken",
        f"{CROPS}::test_a_crop_equals_padding_and_cropping_one_image_at_a_time",
        "a crop is filled with the border",
    ),
    Fault(
        "bkn/data/augment.py",
        "columns.flip(1), columns)",
        "width - 1 - columns, columns)",
        f"{CROPS}::test_a_crop_equals_padding_and_cropping_one_image_at_a_time",
        "an image is mirrored before it is moved",
    ),
    Fault(
        "bkn/training/batches.py",
        "place = source * self.copies + copy",
        "place = source",
        f"{BATCHES}::test_every_copy_is_augmented_by_itself[copy_major]",
        "all copies of an image are augmented alike",
    ),
    Fault(
        "bkn/training/batches.py",
        'flips if self.augment == "crop_flip" else None',
        "flips",
        f"{BATCHES}::test_augmented_images_are_the_images_moved",
        "images are mirrored where only a crop was asked for",
    ),
    Fault(
        "bkn/data/listing.py",
        "            if one.is_dir(follow_symlinks=False) and not one.name",
        "            if one.is_dir() and not one.name",
        f"{FOLDER}::test_links_are_not_followed_nor_hidden_files_looked_at",
        "a link out of the folder of pictures is followed",
    ),
    Fault(
        "bkn/data/listing.py",
        "                digest.update(file.read(HEAD))\n",
        "                pass\n",
        f"{FOLDER}::test_a_copy_of_the_folder_is_the_same_experiment_and_its_twin_is_not",
        "two folders with files of the same names and lengths are one",
    ),
    Fault(
        "bkn/data/folder.py",
        "    if wanted != now.options:\n",
        "    if False:\n",
        f"{FOLDER}::test_a_folder_that_has_changed_since_is_refused",
        "an experiment is trained on other pictures than it was made for",
    ),
    Fault(
        "app/watch.py",
        "waits = st.session_state[DRAWING] and drawn[0] is not None",
        "waits = False",
        "tests/app/test_race_transport.py::test_a_page_that_is_being_drawn_is_not_begun_anew",
        "a page is begun anew before the browser has seen it",
    ),
    Fault(
        "bkn/diagnostics/diagnose.py",
        "    check_labels(subject)\n    size",
        "    size",
        "tests/diagnostics/test_diagnose.py::test_labels_that_are_none_of_the_classes_are_refused",
        "labels that are none of the classes reach the loss",
    ),
]
