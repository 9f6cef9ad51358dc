"""Words that are an opt-out, and sentences in which they are none."""

import pytest

from corpus.replies.bodies import read_wordings
from replies.text.opt_out_words import find_opt_out, load_opt_out_words

NAMED_BY_LAW = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")


@pytest.mark.parametrize("word", NAMED_BY_LAW)
@pytest.mark.parametrize(
    "form", ["{}", "{}.", "{}!!!", "Please {}", "pls {}", "{} please, thanks", "  {}  ", "Hi, {}", "OK. {}. Bye."]
)
def test_each_word_that_the_rule_names_is_an_opt_out(word: str, form: str) -> None:
    for written in (word, word.upper(), word.capitalize()):
        assert find_opt_out(form.format(written)), written


WORDINGS = read_wordings()


@pytest.mark.parametrize("text", WORDINGS["opt_outs"] + WORDINGS["doubtful"])
def test_ordinary_opt_outs_are_found(text: str) -> None:
    assert find_opt_out(text)


@pytest.mark.parametrize("text", WORDINGS["no_opt_outs"])
def test_sentences_that_clearly_say_otherwise_are_no_opt_outs(text: str) -> None:
    assert find_opt_out(text) == ()


def test_codes_are_keys_of_the_file_and_never_words_of_the_person() -> None:
    words = load_opt_out_words()
    known = {*words.phrases, *words.commands.values(), *words.near_spellings}
    assert set(find_opt_out("Marta Quill says: unsubscribe me, stop, and no me escriban")) <= known
    assert find_opt_out("please stop") == ("stop",)


def test_a_harmless_use_does_not_hide_an_opt_out_beside_it() -> None:
    assert find_opt_out("Do not call before 5pm. In fact, stop calling.") == ("stop",)
    assert find_opt_out("We live at the bus stop. Take me off your list.")
    assert find_opt_out("I can't stop you, but unsubscribe me")
