"""Kanji that are one in a name to a person who looks for it: the forms from before 1946 and those of the registers.

For search alone: a till is sent what the customer wrote (``variants`` has what it cannot show). One group a word; the
first character stands for the others. The pairs of an old and a new form are those of the 常用漢字表
(https://www.bunka.go.jp/kokugo_nihongo/sisaku/joho/joho/kijun/naikaku/kanji/); the rest are written for one another in
names of families and places. Kanji of two names, as 坂 and 阪 or 萩 and 荻, stay two.
"""

from __future__ import annotations

from typing import Final

_IN_NAMES: Final = """
    辺邊邉𨘢𨕙 斎齋斉齊亝 桜櫻 浜濱濵 沢澤 崎嵜碕﨑㟢 島嶋嶌㠀 富冨 広廣 国國圀囯 竜龍 滝瀧 渋澁澀 桧檜
    柳栁桺 曽曾 徳德悳 栄榮 槙槇 横橫 渕淵 穂穗 篭籠 薗園 荘莊 蔵藏 豊豐 関關 頼賴 鉄鐵銕鐡 塩鹽 黒黑
    黄黃 尭堯 条條 楽樂 検檢 村邨 松枩柗 杉杦 梅楳 橋𣘺槗 桑桒 歩步 温溫 満滿 潜潛濳 瀬瀨 焼燒 煕熙熈𤋮
    猪豬 県縣 真眞 礼禮 祢禰 禄祿 秋穐龝 稲稻 糸絲 絵繪 緑綠 緒緖 縄繩 芦蘆 茎莖 薫薰 薮藪 虎乕 蛍螢
    覚覺 鶴靏靍鸖 鴎鷗 鶯鴬 麹麴 麦麥 弥彌 当當 恵惠 桝枡 柏栢 栖棲 椀碗 峰峯 峡峽 岳嶽 巌巖嵒 庵菴
    野埜壄 兎兔莵 児兒 寿壽 尚尙 将將 円圓 宝寶寳 亀龜 来來 与與 万萬 両兩 並竝 乗乘 亘亙 亜亞 仏佛
    会會 余餘 凛凜 処處 剣劍劔剱劒 励勵 労勞 勲勳勛 区區 参參 双雙 吉𠮷 呉吳 嘗甞 囲圍 図圖 団團 壱壹
    声聲 売賣 増增 奥奧 姉姊 学學 実實 寛寬 対對 届屆 属屬 巣巢 巻卷 帯帶 廃廢 廻𢌞 弐貳 弾彈 強强
    弯彎 彦彥 従從 徴徵 応應 恒恆 悦悅 慎愼 戸戶 戦戰 戻戾 抜拔 拝拜 択擇 拡擴 挙擧 挿插 旧舊 昇曻
    昂昻 昼晝 晃晄 晋晉 晩晚 暁曉 暦曆 曳曵 枢樞 桟棧 棋碁 楼樓 様樣 権權 欧歐 欝鬱 歌謌 歓歡
    歳歲 歴歷 残殘 毎每 毘毗 気氣 氷冰 沖冲 泪涙淚 浄淨 浅淺 清淸 渉涉 済濟 渓溪 涼凉 湧涌 湾灣 湿濕
    滞滯 濤涛 灯燈 炉爐 点點 為爲 焔焰 煙烟 状狀 狭狹 独獨 献獻 獣獸 瑶瑤 瓶甁 産產 画畫 畳疊 痩瘦
    発發 皐皋 盃杯 盗盜 砕碎 砺礪 研硏 鉱鑛砿礦 祷禱 秘祕 称稱 穏穩 穣穰 竃竈 竪豎 笋筍 粋粹 粛肅 糧粮
    経經 継繼 続續 総總 縁緣 縦縱 繁緐 繊纖纎 繋繫 纒纏 聡聰 聴聽 脈脉 脳腦 臓臟 台臺 舎舍 舗舖 船舩
    艶艷 芸藝 草艸 莱萊 萌萠 蒋蔣 薬藥 虚虛 虫蟲 蚕蠶 蝉蟬 蝋蠟 衛衞 衆眾 装裝 覇霸 覧覽 観觀 触觸
    訳譯 証證 誉譽 読讀 諌諫 譲讓 讃讚 賛贊 賢贒 跡蹟迹 踊踴 躯軀 軽輕 転轉 辞辭 逓遞 遅遲 遥遙 迩邇
    郎郞 郷鄕鄉 酔醉 醤醬 医醫 釈釋 釜釡 録錄 銭錢 鋭銳 鋳鑄 錬鍊 鎮鎭 鑑鑒 長⻑ 間閒 闘鬪 陥陷 随隨
    険險 隠隱 隣鄰 雁鴈 雑雜 霊靈 青靑 静靜 韮韭 韻韵 頬頰 頚頸 頴穎 顔顏 顕顯 飜翻 館舘 駅驛 駆驅
    騒騷 験驗 騨驒 髄髓 高髙 髪髮 鯵鰺 鵞鵝 鶏鷄雞 麺麵 黙默 鼓皷 歯齒 齢齡 廼迺 悪惡 担擔 拠據 掲揭
    摂攝 撃擊 収收 数數 断斷 効效 叙敍敘 厳嚴 単單 厨廚 厩廐廏 卯夘 即卽 却卻 冤寃 写寫冩 冊册 内內
    争爭 予豫 乱亂 仮假 伝傳 体體 倹儉 価價 偽僞 併倂 党黨 剤劑 剰剩 勅敕 協恊 卆卒 唖啞 噛嚙 圧壓
    塁壘 填塡 堕墮 壊壞 壌壤 壮壯 壷壺 奨奬 妊姙 嬢孃 寝寢 専專 尽盡 屏屛 峨峩 崖崕 嵯嵳 帰歸 庁廳
    径徑 恋戀 惨慘 懐懷 戯戲戱 払拂 挟挾 捜搜 揺搖 攪撹 暖煖 檮梼 澄澂 渇渴 洒灑 減减 決决 況况 準凖
    灌潅 犠犧 狸貍 猫貓 猟獵 畝畆 畴疇 痴癡 礙碍 窃竊 窓窗 奇竒 箏筝 簑蓑 群羣 翠翆 耕畊 脚腳
    膽胆 茘荔 蓋盖葢 蕊蘂 蛎蠣 蛮蠻 裏裡 褒襃 解觧 詠咏 貌皃 賎賤 輌輛 遍徧 鈎鉤 鎖鎻 鎗槍 隷隸 飾餝
    鶫鶇 概槪 溯遡
"""
_IN_KANA: Final = "ケヶ カヵ イヰ エヱ オヲ"


def _by_variant(table: str) -> dict[str, str]:
    return {variant: group[0] for group in table.split() for variant in group[1:]}


VARIANTS: Final[dict[str, str]] = {**_by_variant(_IN_NAMES), **_by_variant(_IN_KANA)}
"""Each variant, and the character that stands for it."""
