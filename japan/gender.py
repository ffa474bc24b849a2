"""Gender: the words people, forms and other systems use for it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from japan.fixed import NOTHING, Fixed, dropped

# The figures are ISO 5218's, which Smaregi's `sex` shares: 1 male, 2 female, 0 not known, 9 not applicable.
_WORDS: Final = {
    "male": """
        1 m male man men boy mr mister gentleman masculine
        男 男性 男子 男の子 男の人 おとこ オトコ だんせい ダンセイ ♂
    """,
    "female": """
        2 f female woman women girl mrs ms miss lady feminine
        女 女性 女子 女の子 女の人 おんな オンナ じょせい ジョセイ ♀
    """,
    "other": """
        x o other others another nonbinary enby nb diverse intersex genderqueer agender genderfluid custom
        その他 そのほか 其の他 他 ノンバイナリー ノンバイナリ xジェンダー エックスジェンダー
        どちらでもない いずれでもない 中性
    """,
    "": """
        0 9 u n na none null unknown undefined unspecified notspecified notknown notapplicable undisclosed secret
        decline prefernottosay prefernottoanswer noanswer
        不明 未回答 無回答 回答しない 回答したくない 答えない 答えたくない 無記入 未記入 未入力 未設定 未選択
        選択なし 選択しない 選択してください 指定なし 指定しない 非公開 秘密 なし
    """,
}
_MEANING: Final = {word: value for value, words in _WORDS.items() for word in words.split()}
_BETWEEN: Final = re.compile(r"[\s._\-/・。、'’:;()\[\]]+")


def gender(text: str) -> Fixed:
    """``male``, ``female`` or ``other`` for Japanese and English words, letters and codes.

    None when the text is empty or says that nobody said; None, ``dropped``, when it cannot be understood.
    """
    word = _BETWEEN.sub("", unicodedata.normalize("NFKC", text).lower())
    if not word:
        return NOTHING if not text.strip() else dropped("not a gender")
    value = _MEANING.get(word)
    if value is None:
        return dropped("not a gender")
    return Fixed(value) if value else NOTHING
