"""Shared by all tests: one torch thread, so that tests neither fight for cores nor vary."""

import torch

torch.set_num_threads(1)
