"""Kanji and signs that have a plain form everyone at a till recognises: left the rare one, right the plain."""

from __future__ import annotations

from typing import Final

# Added by IBM and NEC: Windows-31J has them, other devices may not.
_EXTENSION_KANJI: Final = """
    髙高 﨑崎 栁柳 濵濱 德徳 瀨瀬 增増 寬寛 敎教 昻昂 曻昇 桒桑 橫横 淸清 綠緑 緖緒 薰薫 賴頼
    贒賢 郞郎 鄕郷 閒間 靑青 黑黒 悅悦 喆哲 冝宜 凬風 勛勲 杦杉 甁瓶 羡羨 鈆鉛 靏鶴 﨔欅 晳晰
    﨤返
"""
# Outside Windows-31J, within the first 65,536 characters.
_OUTSIDE_KANJI: Final = """
    柗松 槗橋 壄野 圡土 彥彦 戶戸 內内 黃黄 姬姫 巢巣 步歩 涉渉 溫温 產産 說説 錄録 鍊錬 絕絶
    緣縁 虛虚 吳呉 吕呂 卽即 旣既 晚晩 每毎 硏研 脫脱 稅税 銳鋭 閱閲 淚涙 娛娯 戾戻 查査 柹柿
    姊姉 鷗鴎 繡繍 頰頬 蔣蒋 醬醤 麵麺 瘦痩 繫繋 顚顛 吞呑 軀躯 嚙噛 剝剥 塡填 俠侠 鹼鹸 瀆涜
    潑溌 蠟蝋 萊莱 摑掴 俱倶 噓嘘 蟬蝉 屛屏 幷并 禱祷 攢攅 囊嚢 簞箪 驒騨 擊撃 凢凡 囦淵 秊年
    朙明
"""
# Four bytes in UTF-8: a three-byte column refuses them or cuts the text there.
_FOUR_BYTE_KANJI: Final = "𠮷吉 𠮟叱 𡈽土 𣘺橋 𦚰脇 𣳾泰 𠀋丈 𥙿裕 𥔎碕 𩵋魚 𫝆今 𤋮煕 𥡴稽 𥱋簗 𢌞廻 𠩤原 𧰼象"
# Radicals that stand in for the kanji in text copied from a PDF; the older half of the block is in NFKC already.
_RADICALS: Final = "⻄西 ⻑長 ⻘青 ⻩黄 ⻲亀 ⻨麦 ⻭歯 ⻯竜 ⻫斉 ⻤鬼 ⻝食 ⻁虎 ⻆角 ⻣骨 ⻡首 ⺠民 ⺟母 ⻱亀"
# Where Unicode and Windows-31J have two characters for one sign, or NFKC would lose the meaning.
_SIGNS: Final = '〜～ −- ‐- ‑- ‒- –- —― ¢￠ £￡ ¥￥ ¬￢ ‾￣ ‖∥ ·・ •・ ⁄/ ʼ\' ¦| ゠= ˜~ ⸺― ‛\' ‟" 〝" 〞" 〟"'
_RARE_KANA: Final = "ゔヴ ゕヵ ゖヶ ㇰク ㇱシ ㇲス ㇳト ㇴヌ ㇵハ ㇶヒ ㇷフ ㇸヘ ㇹホ ㇺム ㇻラ ㇼリ ㇽル ㇾレ ㇿロ"
_LETTERS: Final = "øo ØO łl ŁL đd ĐD ıi ðd ÐD ħh"


def _pairs(table: str) -> dict[str, str]:
    return {pair[0]: pair[1:] for pair in table.split()}


PLAIN_FORMS: Final[dict[str, str]] = {
    **_pairs(_EXTENSION_KANJI),
    **_pairs(_OUTSIDE_KANJI),
    **_pairs(_FOUR_BYTE_KANJI),
    **_pairs(_RADICALS),
    **_pairs(_SIGNS),
    **_pairs(_RARE_KANA),
    **_pairs(_LETTERS),
    "ヷ": "ヴァ",
    "ヸ": "ヴィ",
    "ヹ": "ヴェ",
    "ヺ": "ヴォ",
    "№": "No.",
    "©": "(C)",
    "®": "(R)",
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "þ": "th",
    "Þ": "Th",
}
