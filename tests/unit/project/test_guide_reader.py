"""Guides are read as a person reads them: a block belongs to the file that is named above it."""

from pathlib import Path

import pytest

from support.guides import GuideError, GuideStep, apply_change, read_guide

PAGE = """# Adding a duck

`pond/duck.py` is new, see [settings](../settings.md) and `Duck.swim`:

```python
name = "Donald"
```

The duck has a number. In `pond/birds.toml`:

```diff
 birds = [
+  "duck",
```

```diff
-count = 1
+count = 2
```

```sh
./dev docs
```

## Check

```
./dev lint
./dev test tests/unit/pond
```

## Later

```sql
select 'not a step'
```
"""


def test_a_block_belongs_to_the_file_named_before_it(tmp_path: Path) -> None:
    page = tmp_path / "adding-a-duck.md"
    page.write_text(PAGE)
    guide = read_guide(page)
    assert guide.steps == (
        GuideStep("file", 'name = "Donald"\n', "pond/duck.py"),
        GuideStep("change", ' birds = [\n+  "duck",\n', "pond/birds.toml"),
        GuideStep("change", "-count = 1\n+count = 2\n", "pond/birds.toml"),
        GuideStep("commands", "./dev docs\n"),
    )
    assert guide.checks == ("./dev lint", "./dev test tests/unit/pond")


def test_a_change_keeps_removes_and_adds_lines() -> None:
    assert apply_change("a\nb\nc\n", " a\n-b\n+B\n+B2\n") == "a\nB\nB2\nc\n"


@pytest.mark.parametrize("text", ["b\n", "a\na\n"])
def test_a_change_whose_place_is_missing_or_ambiguous_is_refused(text: str) -> None:
    with pytest.raises(GuideError):
        apply_change(text, " a\n+b\n")
