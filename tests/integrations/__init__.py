"""Tests of the clients and gateways that POPI works inside of."""
