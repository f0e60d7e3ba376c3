"""The room's addresses."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from commerce import webhooks

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/pay/<str:name>", webhooks.pay, name="webhook-pay"),
    path("webhooks/ship/<str:carrier>", webhooks.ship, name="webhook-ship"),
]
if settings.SOUK_BANK:
    urlpatterns.append(path("bank/", include("commerce.providers.bank.urls")))
