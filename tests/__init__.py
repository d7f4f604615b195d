"""Tests of Dalil: they mirror its modules."""
