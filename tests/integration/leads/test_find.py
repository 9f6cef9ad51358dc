"""`equity leads find`: by phone, email, address, name, parcel number and MAK."""

import pytest

from common.records.addresses.normal_form import hash_address
from support.commandline import Equity
from support.leads import LeadFixture


async def found(equity: Equity, *arguments: str) -> list[str]:
    return [lead["id"] for lead in (await equity.soon("leads", "find", *arguments, "--json")).ok().json]


async def test_a_phone_and_an_email_are_found_in_any_form(equity: Equity, leads: LeadFixture) -> None:
    lead = await leads.add(phone="+17275550142", email="dana@example.com")
    await leads.add(phone="+17275550143", email="other@example.com")
    assert await found(equity, "--phone", "(727) 555-0142") == [str(lead)]
    assert await found(equity, "--email", "Dana@Example.com ") == [str(lead)]
    assert await found(equity, "--phone", "727 555 0199") == []


@pytest.mark.parametrize(
    "text",
    [
        "418 N Palmetto Ave, Apt 4B, Dunedin, FL 34698",
        "418 north palmetto avenue #4b dunedin florida 34698-1234",
        "418 N. Palmetto Ave Unit 4B 34698",
    ],
)
async def test_an_address_is_found_in_any_spelling(equity: Equity, leads: LeadFixture, text: str) -> None:
    lead = await leads.add(addr_hash=hash_address("418 N PALMETTO AVE", "4B", "34698"))
    await leads.add(addr_hash=hash_address("418 N PALMETTO AVE", "", "34698"))
    assert await found(equity, "--address", text) == [str(lead)]


async def test_an_address_without_unit_finds_all_units(equity: Equity, leads: LeadFixture) -> None:
    async def add(address: str, unit: str | None, zip_code: str = "34698") -> str:
        return str(await leads.add(property_address=address, property_unit=unit, property_zip=zip_code))

    house = str(await leads.add(addr_hash=hash_address("418 N PALMETTO AVE", "", "34698")))
    units = [await add("418 North Palmetto Avenue", "1"), await add("418 N Palmetto Ave #2", "2")]
    for address, unit, zip_code in (
        ("418 S Palmetto Ave", "3", "34698"), ("418 N Palmetto Ave", "4", "34699"), ("4180 N Palmetto Ave", "5", "34698"),
    ):  # fmt: skip
        await add(address, unit, zip_code)
    assert await found(equity, "--address", "418 N Palmetto Ave, Dunedin, FL 34698") == sorted([house, *units])


async def test_several_options_find_leads_that_match_all(equity: Equity, leads: LeadFixture) -> None:
    wanted = await leads.add(phone="+17275550142", owner_last_name="Holt", mak="8034512097")
    await leads.add(phone="+17275550142", owner_last_name="Bolt")
    await leads.add(owner_last_name="Holt")
    phone = ("--phone", "727 555 0142")
    assert await found(equity, *phone, "--name", "holt") == [str(wanted)]
    assert await found(equity, *phone, "--mak", "8034512097") == [str(wanted)]
    assert await found(equity, *phone, "--mak", "8034512098") == []
    assert await found(equity, "--mak", "8034512097", "--name", "Bolt") == []


@pytest.mark.parametrize("text", ["holt", "Holt Da", "Dana Holt", "Holt, D", "DANA  holt"])
async def test_a_name_is_found_by_its_begin_in_any_case(equity: Equity, leads: LeadFixture, text: str) -> None:
    lead = await leads.add(owner_first_name="Dana", owner_last_name="HOLT")
    await leads.add(owner_first_name="Dana", owner_last_name="Bolt")
    assert await found(equity, "--name", text) == [str(lead)]


async def test_second_owners_and_companies_are_found_by_name(equity: Equity, leads: LeadFixture) -> None:
    second = await leads.add(owner_last_name="Holt", owner2_first_name="Ann", owner2_last_name="De La Cruz")
    company = await leads.add(company_name="Palmetto Holdings LLC")
    assert await found(equity, "--name", "Ann De La Cruz") == [str(second)]
    assert await found(equity, "--name", "palmetto h") == [str(company)]
    assert await found(equity, "--name", "100%") == []


async def test_a_parcel_number_is_found_in_every_county(equity: Equity, leads: LeadFixture) -> None:
    first = await leads.add(apn_key="12103|152916123450000010")
    second = await leads.add(apn_key="48201|152916123450000010")
    assert sorted(await found(equity, "--apn", "15-29-16-12345-000-0010")) == sorted([str(first), str(second)])


async def test_a_mak_is_found(equity: Equity, leads: LeadFixture) -> None:
    lead = await leads.add(mak="8034512097")
    assert await found(equity, "--mak", "8034512097") == [str(lead)]


async def test_a_longer_result_is_cut_and_says_so(equity: Equity, leads: LeadFixture) -> None:
    for number in range(3):
        await leads.add(owner_last_name=f"Holt{number}")
    done = (await equity.soon("leads", "find", "--name", "holt", "--limit", 2)).ok()
    assert (done.out.count("Holt"), "more than 2" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "What is known of the lead?"),
        (("--mak", "8034512097", "--phone", "1"), "not a phone number"),
        (("--phone", "12345"), "not a phone number"),
        (("--email", "dana"), "not an email address"),
        (("--address", "Dunedin"), "cannot be read"),
        (("--apn", "none"), "identifies no parcel"),
        (("--mak", "12"), "not a Melissa address key"),
        (("--name", " "), "is empty"),
    ],
)
def test_a_search_that_cannot_work_says_why(equity: Equity, arguments: tuple[str, ...], problem: str) -> None:
    done = equity("leads", "find", *arguments)
    assert (done.code, problem in done.err, done.out) == (2, True, "")
