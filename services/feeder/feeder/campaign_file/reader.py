"""Reader of the campaign file: YAML, validated, with an error that says where it is wrong."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from common.yaml_text import load_yaml_text
from feeder.campaign_file.model import CampaignFile

DEFAULT_FILE = Path(__file__).with_name("campaigns.yaml")
_MAX_PROBLEMS_SHOWN = 3
_FORMAT_ADVICE = "docs/adding-a-campaign.md explains every field."


class CampaignFileError(Exception):
    """The file cannot be read, or is no campaign file. *advice* is the next step for its author."""

    def __init__(self, problem: str, advice: str = _FORMAT_ADVICE) -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice


def read_campaign_file(path: Path) -> CampaignFile:
    """Return the file at *path*. Raises CampaignFileError that says where it is wrong."""
    try:
        return CampaignFile.model_validate(load_yaml_text(path.read_text(encoding="utf-8")))
    except OSError as error:
        advice = "Name a campaign file; see docs/adding-a-campaign.md."
        raise CampaignFileError(f"{path} cannot be read.", advice) from error
    except UnicodeDecodeError as error:
        raise CampaignFileError(f"{path} is no UTF-8 text.", "Save it as UTF-8.") from error
    except ValidationError as error:
        raise CampaignFileError(f"{path} is not a campaign file: {_list_problems(error)}.") from error
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        raise CampaignFileError(f"{path} is no YAML: {error}") from error


def _list_problems(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors()
    ]
    more = len(problems) - _MAX_PROBLEMS_SHOWN
    return "; ".join(problems[:_MAX_PROBLEMS_SHOWN]) + (f"; and {more} more" if more > 0 else "")
