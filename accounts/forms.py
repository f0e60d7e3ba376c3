"""The sign-up form."""

from django.contrib.auth.forms import UserCreationForm
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class SignUpForm(UserCreationForm):  # type: ignore[type-arg] # only stubs know one
    """A name to sign in with, a name to show, a password twice."""

    class Meta:
        model = User
        fields = ("username", "name")
        labels = {"name": _("Name others see")}
        help_texts = {"username": _("Letters, digits and @ . + - _")}
