"""Tells people that a night is over: one message to a webhook, as Slack and its kin take it."""

import http.client
import json
import os
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

import dagster as dg
from pydantic import Field

WEBHOOK = "TPUFLOW_WEBHOOK"
ATTEMPTS = 2
PAUSE = 1.0
"""Seconds before the second attempt."""


class Notifier(dg.ConfigurableResource[Any]):
    """A webhook that takes `{"text": …}` and further fields."""

    webhook: str | None = Field(
        default=None, description="http(s) address to post to. Left out: `$TPUFLOW_WEBHOOK`; neither: nobody is told."
    )
    timeout: float = Field(default=10.0, gt=0, description="Seconds to wait for an answer, each of two times.")

    def tell(self, text: str, fields: Mapping[str, Any]) -> str:
        """
        Post a message. Returns "sent", why there is nobody to tell, or "not sent: " and why.

        Never raises for what is wrong at the other end: a night's report must not fail of it.
        """
        address = self.webhook or os.environ.get(WEBHOOK)
        if not address:
            return f"nobody to tell: {WEBHOOK} is not set"
        if not address.startswith(("http://", "https://")):
            return f"not sent: {WEBHOOK} is no http(s) address"
        body = json.dumps({"text": text, **fields}, ensure_ascii=False).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        problem = ""
        for attempt in range(ATTEMPTS):
            time.sleep(PAUSE if attempt else 0)
            try:
                with urllib.request.urlopen(request, timeout=self.timeout):
                    return "sent"
            except (OSError, ValueError, http.client.HTTPException) as error:
                problem = str(error)
        return f"not sent: {problem}"
