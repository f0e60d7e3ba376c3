"""What the demo's crowd says, and what its shop sells."""

from msgspec import Struct

COMMENTS = (
    "Hi from Lisbon 👋",
    "这个杯子好好看！",
    "Is the glaze food safe?",
    "第一次来，主播声音真好听",
    "That green is lovely",
    "茶叶是今年的新茶吗？",
    "Just bought two for my mum",
    "围巾还有别的颜色吗",
    "How big is the cup?",
    "包装好精致，送礼合适",
    "The scarf looks so soft",
    "已下单，坐等收货 🎉",
    "Does it ship to Canada?",
    "刚刚那个再讲一遍可以吗",
    "Love this shop ❤️",
    "能看一下内里吗？",
    "I can almost smell the jasmine",
    "价格真不错",
    "Can it go in the dishwasher?",
    "主播今天的衣服好看",
)
ANSWER = (
    "Thank you for writing! This is the demo host: I answer every message once. "
    "谢谢留言！"
)


class Goods(Struct):
    """One product of the demo shop; `picture` is drawn by `pictures.GOODS`."""

    picture: str
    title: str
    text: str
    prices: dict[str, int]
    stock: int


GOODS = (
    Goods(
        picture="teacup",
        title="Celadon teacup 青瓷茶杯",
        text="Thrown by hand, 180 ml, with its saucer. 手工拉坯，带碟。",
        prices={"CNY": 9900},
        stock=24,
    ),
    Goods(
        picture="scarf",
        title="Silk scarf 真丝方巾",
        text="Mulberry silk, 90 × 90 cm, a hand-knotted fringe. 桑蚕丝，手打流苏。",
        prices={"CNY": 26800},
        stock=12,
    ),
    Goods(
        picture="tea",
        title="Jasmine tea 茉莉花茶",
        text="This spring's leaves, scented seven times, 120 g. 七窨一提，春茶。",
        prices={"CNY": 12800},
        stock=40,
    ),
)
SHIPPING = {
    "CN": {"fee": {"CNY": 800}, "free_over": {"CNY": 19900}},
    "SG": {"fee": {"CNY": 4800}, "free_over": {}},
    "US": {"fee": {"CNY": 9800}, "free_over": {}},
    "DE": {"fee": {"CNY": 9800}, "free_over": {}},
}
"""Where the demo shop sends its goods."""
HOME = {
    "phone": "+86 10 5555 0100",
    "country": "CN",
    "region": "浙江 Zhejiang",
    "line": "杭州市山花路 7 号 7 Wildflower Road, Hangzhou",
}
"""Where the demo's viewers live: all of them in one house."""
HOSTS = (("lin", "Lin 小林", "Wildflower Studio 山花工坊"), ("mika", "Mika 米卡", ""))
VIEWERS = (
    ("ann", "Ann"),
    ("bo", "小波"),
    ("chen", "陈晨"),
    ("dora", "Dora"),
    ("emil", "Emil"),
)
TITLE = "Tea time: new season, fresh from the kiln 春日茶会"
