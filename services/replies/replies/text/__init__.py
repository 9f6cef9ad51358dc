"""Pure reading of replies: the new text of an email, what it asks for, and the masked input of a model."""
