"""The four vendors: one module each for how it talks, beside the data of what it offers."""
