"""Card of domain-specific batch normalization."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "domain",
    "Domain norm",
    "Pictures from different sources have different statistics, and one average fits none of them. "
    "Each image is normalized by the images of its own source, its domain, and each domain keeps "
    "running averages of its own. An image of an unknown domain is judged by all of them, and "
    "those whose statistics lie nearest to its own count most.",
    "bkn.normalizers.domain:DomainNorm",
    (
        Param(
            "domains",
            "auto",
            "Domains with statistics of their own; 'auto': as many as the images have.",
            1,
            16,
            ("auto",),
            integer=True,
        ),
        Param(
            "scales",
            "shared",
            "Scale and shift: shared by all domains, or every domain has its own.",
            choices=("shared", "own"),
        ),
        Param(
            "unseen",
            "embedding",
            "Who judges an image of an unknown domain: all, the nearest most, or all alike.",
            choices=("embedding", "average"),
            offered=True,
        ),
    ),
    wrapper="bkn.normalizers.domain_network:DomainNetwork",
    family="batch",
    year=2020,
    paper="Chang, You, Seo, Kwak & Han 2019; Segu, Tonioni & Tombari 2020",
    link="https://arxiv.org/abs/2011.12672",
    equations=(
        r"\mu_{d,c},\ \sigma_{d,c}^2 \text{ over } (m_d, H, W)",
        r"m_d: \text{images of domain } d",
        r"y = \gamma_c \frac{x - \mu_{d,c}}{\sqrt{\sigma_{d,c}^2 + \epsilon}} + \beta_c",
        r"p(x) = \sum_d w_d\, p_d(x)",
        r"w_d \propto \Big( \sum_{\ell,c} "
        r"(\mu_{x} - \mu_{d})^2 + (\sigma_{x} - \sigma_{d})^2 \Big)^{-1}",
    ),
    shares=("images", "places", "domain"),
    training="Mean and variance of the micro-batch's images of the same domain.",
    evaluation="The domain's running averages; an unseen domain: predictions by all, mixed.",
    note="Statistics per domain and weights for all of them are the second paper's; the first has "
    "weights per domain too. Their batches hold one domain each, ours may be mixed. With images of "
    "a single domain it is batch norm.",
    batch_statistics=True,
    estimates=True,
    takes_domains=True,
    stores="running mean and variance per domain",
    colors=("#661100", "#9C3A22"),
    dash="11px,5px",
)
