"""YAML without repeated keys, in which hours, dates, numbers, yes and no stay text: the model of a file decides their type."""

from typing import Any

import yaml


class TextLoader(yaml.SafeLoader):
    """Safe loader that resolves nothing but null and merge keys, and refuses a key that occurs twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of *node*. Raises ConstructorError for a repeated key."""
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} occurs twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_RESOLVED_TAGS = {"tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"}
TextLoader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if tag in _RESOLVED_TAGS]
    for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml_text(text: str) -> Any:
    """Return the content of YAML *text*. Raises YAMLError, or ValueError, AttributeError or RecursionError for odd documents."""
    return yaml.load(text, TextLoader)  # noqa: S506 - it is a SafeLoader
