"""What ends a measurement."""


class Failure(Exception):
    """The measurement could not be made; the text says what to do."""
