"""The campaign file: personas, sequences of emails, and the campaigns made of them (docs/adding-a-campaign.md).

Texts have two kinds of blanks. `$name` is filled when the file is read; `{{name}}` is filled by Instantly for each lead.
"""
