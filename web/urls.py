"""The pages' addresses."""

from django.urls import URLPattern, URLResolver, path
from django.views.i18n import set_language

from web import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("rooms/<int:stream>", views.room, name="room"),
    path("studio", views.studio, name="studio"),
    path("studio/<int:stream>", views.studio_room, name="studio-room"),
    path("inbox", views.inbox, name="inbox"),
    path("inbox/<int:conversation>", views.inbox, name="conversation"),
    path("orders", views.orders, name="orders"),
    path("orders/<uuid:order>", views.order, name="order"),
    path("bag", views.bag, name="bag"),
    path("shops/<int:shop>/orders", views.shop_orders, name="shop-orders"),
    path("shops/<int:shop>/orders/<uuid:order>", views.shop_orders, name="shop-order"),
    path("shops/<int:shop>/counts", views.shop_counts, name="shop-counts"),
    path("language", set_language, name="language"),
]
