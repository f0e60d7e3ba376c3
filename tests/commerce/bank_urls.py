"""The bank's addresses, whether or not this run's settings allow it."""

from django.urls import include, path

urlpatterns = [path("bank/", include("commerce.providers.bank.urls"))]
