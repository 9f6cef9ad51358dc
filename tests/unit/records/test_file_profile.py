"""Profiles of files: what their YAML may say, which files they recognise, and that no saved one takes away a protection."""

from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from common.records.file_profile import (
    GENERIC,
    FileProfile,
    ProfileError,
    built_in_profiles,
    check_protections,
    format_profile,
    parse_profile,
    read_renamed,
    read_target,
    recognise_profile,
    split_renamed,
)
from common.records.headers import HeaderMeaning

MINE = """
name: mine
version: 3
title: Our list
recognised_by:
  - [Situs, Folio | Folio No]
  - [Ref]
columns:
  Situs: address
  Cell{n}: phone {n} (mobile)
  Cell{n} DNC: phone {n} dnc
unused: [Agent Phone, "Broker{n}{any}"]
rules:
  name_order: last_first
  state: FL
"""
PROFILES = tuple(built_in_profiles().values())


def test_a_profile_is_read_from_yaml_and_written_to_it() -> None:
    profile = parse_profile(MINE)
    assert (profile.name, profile.version, profile.rules.name_order) == ("mine", 3, "last_first")
    meanings = dict(profile.expand_columns())
    assert meanings["Cell2"] == HeaderMeaning("phones", 2, "mobile")
    assert meanings["Cell20 DNC"] == HeaderMeaning("phones.dnc", 20)
    assert parse_profile(format_profile(profile)) == profile


def test_the_yaml_of_a_profile_has_no_invisible_character() -> None:
    profile = parse_profile(MINE.replace("title: Our list", 'title: "Zoë \\u202e\\u200f\\u2028\\x85 list"'))
    text = format_profile(profile)
    assert parse_profile(text) == profile
    assert all(line.isprintable() for line in text.split("\n"))
    assert "Zoë" in format_profile(parse_profile(MINE.replace("Our list", "Zoë")))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("name: mine", "name: My List"), "name: String should match pattern"),
        (("version: 3", "version: 0"), "version: Input should be greater than or equal to 1"),
        (("title: Our list", "colour: green"), "title: Field required; colour: Extra inputs are not permitted"),
        (("Situs: address", "Situs: adress"), "'adress' is no accepted header: docs/accepted-columns.md lists them"),
        (("Situs: address", "Situs: callable"), "'callable' is no accepted header"),
        (("Situs: address", "Situs: address (mobile)"), "'address (mobile)': only a phone has a kind of line"),
        (("Situs: address", "SITUS: address\n  si tus: city"), "columns: si tus occurs twice"),
        (("Situs: address", "'--': address"), "columns: '--' has neither letters nor digits"),
        (("[Agent Phone", "[Situs"), "Situs: both in columns and in unused"),
        (("- [Ref]", "- []"), "recognised_by: a set or a header is empty"),
        (("- [Ref]", "- ['Ref | ']"), "recognised_by: a set or a header is empty"),
        (("state: FL", "state: Florida"), "rules: state: write two letters, such as FL, or from_zip"),
        (
            ("name_order: last_first", "name_order: up"),
            "rules.name_order: Input should be 'last_first' or 'first_last'",
        ),
        (("state: FL", "values: {Roof: {A: B}}"), "rules.values: Roof is not in columns"),
        (("name: mine", "name: [mine"), "while parsing a flow sequence"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused_with_a_sentence(change: tuple[str, str], sentence: str) -> None:
    assert change[0] in MINE
    with pytest.raises(ProfileError) as refused:
        parse_profile(MINE.replace(*change, 1))
    assert sentence in str(refused.value)


def test_a_file_is_of_the_profile_of_which_it_has_one_set_of_headers() -> None:
    profile = parse_profile(MINE)
    found = [
        recognise_profile(headers, [profile]).name
        for headers in (["SITUS", "folio_no", "x"], ["Situs", "x"], ["Ref"], ["Folio"])
    ]
    assert found == ["mine", GENERIC, "mine", GENERIC]


def test_the_profile_with_most_headers_in_the_file_counts() -> None:
    others = [FileProfile(name=f"p{n}", title="t", recognised_by=(tuple("abcd"[:n]),)) for n in (1, 3, 2)]
    assert recognise_profile(["a", "b", "c"], others).name == "p3"
    assert recognise_profile(["a", "b"], others).name == "p2"


def test_unused_headers_may_have_numbers_and_any_text() -> None:
    profile = parse_profile(MINE)
    headers = ("agent phone", " Agent Phone ", "Broker1 Phone", "BROKER12", "Broker Phone", "Agent Phone 2")
    assert [profile.is_unused(header) for header in headers] == [True, True, True, True, False, False]


def test_the_person_of_a_row_is_named_by_a_relation() -> None:
    assert read_target("relation") == HeaderMeaning("relation", 0)
    assert read_target("relation of person 2") == HeaderMeaning("relation", 2)


def test_a_saved_mapping_recognises_the_files_for_which_it_was_made_before_its_base() -> None:
    base = built_in_profiles()["propstream"]
    saved = base.extend("ours", [("Kitchen", "ignore"), ("Our Value", "est. value")])
    headers = ["Address", "Foreclosure Factor", "Kitchen", "Our Value"]
    assert recognise_profile(headers, [*PROFILES, saved]) == saved
    assert recognise_profile(headers[:3], [*PROFILES, saved]) == base
    assert (saved.columns, saved.is_unused("Kitchen")) == ({"Our Value": "est. value"}, True)


@pytest.mark.parametrize("target", ["ignore", "first name", "apn"])
def test_a_column_that_forbids_contact_keeps_that_meaning(target: str) -> None:
    with pytest.raises(ProfileError, match="looks as if it forbids contact"):
        read_renamed([("Phone 1 DNC", target)])
    assert read_renamed([("Callable", "do not contact")])["Callable"] == HeaderMeaning("do_not_contact")


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"unused": ["DNC"]}, "`DNC` looks as if it forbids contact"),
        ({"columns": {"Opt Out": "first name"}}, "`Opt Out` looks as if it forbids contact"),
        ({"unused": ["P{any}"]}, "only the profiles of the product use {any}"),
        ({"columns": {"DNC 1": "dnc 1"}, "rules": {"values": {"DNC 1": {"Y": "N"}}}}, "DNC 1 forbids contact"),
    ],
)
def test_a_saved_profile_takes_no_protection_away(parts: dict[str, Any], sentence: str) -> None:
    profile = FileProfile.model_validate({"name": "p", "title": "t", **parts})
    with pytest.raises(ProfileError) as refused:
        check_protections(profile)
    assert sentence in str(refused.value)


def test_a_saved_profile_may_explain_columns_that_forbid_contact() -> None:
    columns = {"Cell{n} DNC": "phone {n} dnc", "Active": "wrong number"}
    values = {"Active": {"yes": "no"}}
    check_protections(
        FileProfile.model_validate({"name": "p", "title": "t", "columns": columns, "rules": {"values": values}})
    )


def test_the_example_of_the_page_is_a_profile() -> None:
    page = (Path(__file__).parents[3] / "docs" / "profiles.md").read_text()
    example = "\n".join(line[4:] for line in page.splitlines() if line.startswith("    "))
    profile = parse_profile(example)
    check_protections(profile)
    assert recognise_profile(["Folio No", "Situs Street"], [*PROFILES, profile]) == profile
    assert profile.describe_recognition() == ["Folio or Folio No, with Situs Street", "Roll Extract ID"]


def test_each_profile_of_the_product_is_in_a_file_of_its_name_and_recognises_some_file() -> None:
    files = {file.name for file in resources.files("common.records.profiles").iterdir() if file.name.endswith(".yaml")}
    assert files == {f"{profile.name}.yaml" for profile in PROFILES if profile.name != GENERIC}
    assert all(profile.recognised_by for profile in PROFILES if profile.name != GENERIC)


def test_no_two_profiles_of_the_product_have_the_same_set_of_headers() -> None:
    sets = Counter(choices for profile in PROFILES for choices in profile.recognised_by)
    assert max(sets.values()) == 1


def test_only_profiles_for_which_it_is_known_change_the_order_of_names() -> None:
    """A wrong order would greet a person by a surname, so these profiles are recognised by several kinds of headers."""
    assert {profile.name for profile in PROFILES if profile.rules.name_order == "last_first"} == {
        "assessor", "corelogic", "datatree", "florida-nal", "pacs",
    }  # fmt: skip


def test_a_profile_gets_the_next_version_only_if_it_says_something_else() -> None:
    first = FileProfile(name="ours", title="Ours", version=7).as_version_after(None)
    assert first.version == 1
    assert first.as_version_after(first) is first
    assert first.model_copy(update={"title": "Changed"}).as_version_after(first).version == 2


@pytest.mark.parametrize("pair", ["TOWN", "=city", "TOWN=", " = "])
def test_a_renamed_column_needs_both_names(pair: str) -> None:
    with pytest.raises(ProfileError, match="is no mapping"):
        split_renamed(pair)
    assert split_renamed(" A=B = city ") == ("A=B", "city")
