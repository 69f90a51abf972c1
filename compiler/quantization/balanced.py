"""All tensors of a network that have a scale for each channel."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.ir.network import Network
from compiler.quantization.around_tables import around_tables
from compiler.quantization.balance import Balance, balances
from compiler.quantization.channels import Channels, Key


def balanced(network: Network, seen: Mapping[Key, Channels]) -> dict[str, Balance]:
    """Of an annotated network what norms make, and what is around tables, by name, from channels' statistics."""
    return balances(network, seen) | around_tables(network, seen)
