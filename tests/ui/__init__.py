"""Tests of the chat and of the server that carries it."""
