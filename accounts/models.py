"""Who people are, and whom they follow."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """An account. `username` signs in; `name` is what others see."""

    name = models.CharField(max_length=40)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=40, default="UTC")
    created_at = models.DateTimeField(auto_now_add=True)
    masked_name = models.BooleanField(default=True)
    """Show only the first character where strangers read it, as in a sale notice."""
    private_read = models.BooleanField(default=False)
    sign_outs = models.PositiveIntegerField(default=0)
    """How often this account signed out: a pass to the socket from before is void."""

    def __str__(self) -> str:
        return self.name or self.username


class Follow(models.Model):
    follower = models.ForeignKey(User, models.CASCADE, related_name="following")
    target = models.ForeignKey(User, models.CASCADE, related_name="followers")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["follower", "target"], name="one_follow_a_pair"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["target", "id"], name="followers")]
