"""People of the browser tests: a browser context each, and what it complains of."""

from pathlib import Path
from typing import Protocol

from playwright.sync_api import Browser, Locator, Page

WAIT_MS = 15_000
TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
  console.error("policy", event.violatedDirective, event.blockedURI))"""
DECODED = """async () => {
  const peer = document.querySelector("souk-player")?.peer;
  if (!peer) return 0;
  for (const report of (await peer.getStats()).values())
    if (report.type === "inbound-rtp" && report.kind === "video")
      return report.framesDecoded ?? 0;
  return 0;
}"""


class Arrive(Protocol):
    """The factory of the fixture `arrive`."""

    def __call__(self, name: str, *, phone: bool = False, **more: str) -> "Person": ...


class Person:
    """Somebody at a phone or a desk; `complaints` holds errors and refusals."""

    def __init__(
        self,
        browser: Browser,
        site: str,
        name: str,
        artifacts: Path,
        *,
        phone: bool = False,
        locale: str = "en-GB",
    ) -> None:
        self.site, self.name, self.artifacts = site, name, artifacts
        self.complaints: list[str] = []
        self.forgives: list[str] = []
        """What a test knows will be complained of."""
        self.context = browser.new_context(
            base_url=site,
            has_touch=phone,
            is_mobile=phone,
            locale=locale,
            permissions=["camera", "microphone"],
            viewport={"width": 390, "height": 844}
            if phone
            else {"width": 1440, "height": 900},
        )
        self.context.set_default_timeout(WAIT_MS)
        self.context.add_init_script(TELL_VIOLATIONS)
        self.page: Page = self.context.new_page()
        self.page.on(
            "console",
            lambda message: self._complain(message.text, message.type == "error"),
        )
        self.page.on("pageerror", lambda error: self._complain(str(error), True))

    def _complain(self, text: str, is_error: bool) -> None:
        if is_error and not any(known in text for known in self.forgives):
            self.complaints.append(f"{self.name} at {self.page.url}: {text}")

    def sign_in(self, username: str, password: str) -> None:
        self.page.goto("/accounts/sign-in")
        self.page.locator("input[name=username]").fill(username)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("input[name=password]").press("Enter")
        self.page.wait_for_url(f"{self.site}/")

    def find(self, selector: str, text: str | None = None) -> Locator:
        """The first that is there and says `text`; waited for when used."""
        return self.page.locator(selector, has_text=text).first

    def sees(self, selector: str, text: str | None = None) -> None:
        self.find(selector, text).wait_for()

    def decodes(self, frames: int) -> None:
        """The player has decoded so many frames of video."""
        self.page.wait_for_function(
            f"async () => (await ({DECODED})()) >= {frames}", timeout=30_000
        )

    def shoot(self, what: str) -> None:
        """Keep what is on the screen as artifacts/<what>.png."""
        self.artifacts.mkdir(exist_ok=True)
        self.page.screenshot(path=self.artifacts / f"{what}.png")

    def leave(self) -> None:
        """Close the browser; what it showed at last is kept."""
        self.shoot(f"last-{self.name}")
        self.context.close()
