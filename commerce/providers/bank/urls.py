"""The bank's addresses, there only where `SOUK_BANK` allows it."""

from django.urls import path

from commerce.providers.bank import views

urlpatterns = [
    path("v1/payment_intents", views.intents),
    path("v1/payment_intents/<str:ref>", views.fetch),
    path("v1/payment_intents/<str:ref>/cancel", views.cancel),
    path("v1/refunds", views.refunds),
    path("pay/<str:ref>", views.pay, name="bank-pay"),
    path("dial", views.turn_dial, name="bank-dial"),
]
