"""Faults in switchable normalization."""

from tests.faults import Fault

CODE = "bkn/normalizers/switchable.py"
TESTS = "tests/normalizers/test_switchable.py"
FAULTS = [
    Fault(
        CODE,
        "(self.mean_logits, self.var_logits), zip",
        "(self.mean_logits, self.mean_logits), zip",
        f"{TESTS}::test_output_and_gradient_are_the_authors[2-biased]",
        "the variance is blended by the mean's weights",
    ),
    Fault(
        CODE,
        "return Parts(Belief(mean, var), layer, batch)",
        "return Parts(Belief(mean, var), batch, layer)",
        f"{TESTS}::test_each_kind_alone_is_the_norm_of_that_name[batch]",
        "layer and batch part are exchanged",
    ),
    Fault(
        CODE,
        "var.mean(dim, keepdim=True) + (mean - whole).square().mean(dim, True)",
        "var.mean(dim, keepdim=True)",
        f"{TESTS}::test_each_kind_alone_is_the_norm_of_that_name[layer]",
        "the spread between the means is left out of pooled variances",
    ),
    Fault(
        CODE,
        "known = parts._replace(batch=batch)[1 if alone else 0 :]",
        "known = parts._replace(batch=batch)[0:]",
        f"{TESTS}::test_vectors_have_no_instance_part",
        "vectors are blended with an instance part",
    ),
    Fault(
        CODE,
        "parts = parts._replace(batch=Belief(*running))",
        "pass",
        f"{TESTS}::test_evaluation_takes_the_batch_part_from_running_averages",
        "evaluation looks at its batch",
    ),
    Fault(
        CODE,
        'if variance == "unbiased" and places > 1:',
        'if variance == "biased" and places > 1:',
        f"{TESTS}::test_with_the_authors_variance_only_up_to_their_factor[instance]",
        "biased and unbiased variance are exchanged",
    ),
    Fault(
        "bkn/normalizers/switchable.py",
        "values / max(values - 1, 1)",
        "values / (values - 1)",
        f"{TESTS}::test_a_lone_vector_can_be_evaluated_with_unbiased_variances",
        "a lone vector cannot be evaluated",
    ),
]
