"""The version of this package, where every floor can see it."""

VERSION = "0.1.0"
