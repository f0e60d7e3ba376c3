"""The room's addresses: WHIP and WHEP."""

from django.urls import path

from streams import whep, whip

urlpatterns = [
    path("whip", whip.endpoint),
    path("whip/session/<str:session>", whip.resource),
    path("whip/<str:stream>", whip.endpoint),
    path("whip/<str:stream>/<str:key>", whip.endpoint),
    path("whep/session/<str:session>", whep.resource),
    path("whep/<str:stream>", whep.endpoint),
]
