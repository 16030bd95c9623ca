"""A hook of mkdocs: pages link to files of the repository, which are not on the site.

Such a link becomes the path as code, once the file is there; one that leads nowhere is a warning, and `strict` stops.
"""

import logging
import re
from pathlib import Path
from typing import Any

LOG = logging.getLogger("mkdocs.hooks.docs_links")
LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#\s]+)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """The page with its links to files outside of docs/ turned into code."""
    docs = Path(config["docs_dir"]).resolve()
    source = docs / page.file.src_uri

    def code(found: re.Match[str]) -> str:
        words, target = found.groups()
        path = (source.parent / target).resolve()
        if path.is_relative_to(docs):
            return found.group()
        if not path.exists():
            LOG.warning("%s: expected a file of the repository at %s, found none", page.file.src_uri, target)
        name = path.relative_to(docs.parent).as_posix()
        return f"`{name}`" if words.strip("`") in name else f"{words} (`{name}`)"

    return LINK.sub(code, markdown)
