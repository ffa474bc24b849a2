"""The 47 prefectures as Shopify names and codes them, each with one town that people in the sandbox live in.

The romanised names carry macrons and the codes are ISO 3166-2, as in Shopify's region data for Japan
(https://github.com/Shopify/worldwide).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Prefecture:
    """`code` is `JP-13`, `name` what Shopify writes as `province`, `kanji` what people write."""

    code: str
    name: str
    kanji: str
    city: str
    town: str
    zip: str


_ROWS: Final = """
Hokkaidō 北海道 札幌市中央区 北一条西 060-0001
Aomori 青森県 青森市 新町 030-0801
Iwate 岩手県 盛岡市 中央通 020-0021
Miyagi 宮城県 仙台市青葉区 本町 980-0014
Akita 秋田県 秋田市 山王 010-0951
Yamagata 山形県 山形市 七日町 990-0042
Fukushima 福島県 福島市 栄町 960-8031
Ibaraki 茨城県 水戸市 宮町 310-0015
Tochigi 栃木県 宇都宮市 馬場通り 320-0026
Gunma 群馬県 前橋市 本町 371-0023
Saitama 埼玉県 さいたま市浦和区 高砂 330-0063
Chiba 千葉県 千葉市中央区 中央 260-0013
Tōkyō 東京都 千代田区 永田町 100-0014
Kanagawa 神奈川県 横浜市中区 山下町 231-0023
Niigata 新潟県 新潟市中央区 東大通 950-0087
Toyama 富山県 富山市 新富町 930-0002
Ishikawa 石川県 金沢市 香林坊 920-0961
Fukui 福井県 福井市 中央 910-0006
Yamanashi 山梨県 甲府市 丸の内 400-0031
Nagano 長野県 長野市 新田町 380-0835
Gifu 岐阜県 岐阜市 神田町 500-8833
Shizuoka 静岡県 静岡市葵区 紺屋町 420-0852
Aichi 愛知県 名古屋市中区 栄 460-0008
Mie 三重県 津市 栄町 514-0004
Shiga 滋賀県 大津市 梅林 520-0051
Kyōto 京都府 京都市中京区 恵比須町 604-8005
Ōsaka 大阪府 大阪市北区 梅田 530-0001
Hyōgo 兵庫県 神戸市中央区 三宮町 650-0021
Nara 奈良県 奈良市 東向中町 630-8215
Wakayama 和歌山県 和歌山市 東蔵前丁 640-8203
Tottori 鳥取県 鳥取市 栄町 680-0831
Shimane 島根県 松江市 朝日町 690-0003
Okayama 岡山県 岡山市北区 駅前町 700-0023
Hiroshima 広島県 広島市中区 基町 730-0011
Yamaguchi 山口県 山口市 中央 753-0074
Tokushima 徳島県 徳島市 寺島本町西 770-0831
Kagawa 香川県 高松市 丸亀町 760-0029
Ehime 愛媛県 松山市 千舟町 790-0011
Kōchi 高知県 高知市 本町 780-0870
Fukuoka 福岡県 福岡市中央区 天神 810-0001
Saga 佐賀県 佐賀市 駅前中央 840-0801
Nagasaki 長崎県 長崎市 鍛冶屋町 850-0831
Kumamoto 熊本県 熊本市中央区 花畑町 860-0806
Ōita 大分県 大分市 中央町 870-0035
Miyazaki 宮崎県 宮崎市 橘通東 880-0805
Kagoshima 鹿児島県 鹿児島市 東千石町 892-0842
Okinawa 沖縄県 那覇市 牧志 900-0013
"""

PREFECTURES: Final[tuple[Prefecture, ...]] = tuple(
    Prefecture(f"JP-{number:02}", *row.split()) for number, row in enumerate(_ROWS.split("\n")[1:-1], start=1)
)
"""In the order of their codes, JP-01 to JP-47."""

BY_CODE: Final[dict[str, Prefecture]] = {prefecture.code: prefecture for prefecture in PREFECTURES}
