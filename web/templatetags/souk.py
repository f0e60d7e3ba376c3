"""What our templates can say: `{% say "home.live" %}`, `{% icon "heart" %}`."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from web.language import tag
from web.words import say

register = template.Library()
register.simple_tag(say, name="say")
register.simple_tag(tag, name="language_tag")


@register.simple_tag
def icon(name: str) -> SafeString:
    """One drawing of the sprite; it says nothing to a screen reader."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("web/icons.svg"),
        name,
    )


@register.filter
def hue(ident: int) -> int:
    """One of the twelve colours of the market, always the same for an id."""
    return ident * 5 % 12


@register.filter
def initial(name: str) -> str:
    return name[:1].upper()
