"""Diagnostics on request: what a network and its gradient look like at the weights it has now.

Most are those of Bjorck, Gomes, Selman & Weinberger (2018), https://arxiv.org/abs/1806.02375;
the largest Fisher eigenvalue and its theory those of Wei, Stokes & Schwab (2019),
https://arxiv.org/abs/1903.02606, after Karakida, Akaho & Amari (2019),
https://arxiv.org/abs/1806.01316. All are functions of a `Subject` and change nothing about it.
"""
