"""What tells variants apart, in many languages and spellings: StormCom's option names and Meta's fields for them."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize

from connector.catalog.model.text import clean, cut

# https://developers.facebook.com/docs/marketing-api/catalog-batch/reference (read 2026-11-21): the four variant fields and their limits.
AXES = {"color": 100, "size": 100, "pattern": 100, "material": 200}
# en de fr es it pt nl pl sv da nb fi cs hu ro el tr ru uk ar fa ur hi bn id ms ja ko zh vi th; a hyphen stands for a space.
_NAMES = {
    "color": """color colour colors colours color-name shade farbe farben couleur coloris teinte colore colori cor cores kleur
        kolor barwa färg farve farge väri barva szín culoare χρώμα renk цвет колір لون اللون رنگ रंग রং রঙ warna カラー 色 色味 색상 색깔
        颜色 顏色 màu màu-sắc สี""",
    "size": """size sizes size-name shoe-size clothing-size ring-size größe groesse grösse schuhgröße konfektionsgröße taille pointure
        talla tamaño número-de-calzado taglia misura tamanho maat schoenmaat rozmiar storlek størrelse koko velikost méret mărime
        măsură μέγεθος beden boyut numara размер розмір مقاس المقاس حجم اندازه سائز आकार साइज़ সাইজ মাপ ukuran saiz サイズ 사이즈 크기
        尺寸 尺码 尺碼 大小 kích-thước kích-cỡ size-giày ขนาด ไซส์ ไซซ์""",
    "pattern": """pattern patterns print design muster motiv motif imprimé patrón estampado motivo fantasia padrão estampa patroon
        dessin wzór deseń mönster mønster kuvio vzor minta model-desen σχέδιο desen узор рисунок принт візерунок принт نمط النمط
        نقش طرح पैटर्न প্যাটার্ন নকশা corak motif-kain 柄 模様 パターン 무늬 패턴 图案 圖案 花纹 花紋 hoa-văn họa-tiết ลาย ลวดลาย""",
    "material": """material materials fabric stoff werkstoff materiał matière matériau tissu tela tejido materiale tessuto tecido
        materiaal stof tkanina tyg materiaali kangas materiál látka anyag țesătură υλικό ύφασμα malzeme kumaş материал ткань матеріал
        тканина مادة المادة خامة الخامة قماش مواد جنس सामग्री कपड़ा উপাদান কাপড় উপকরণ bahan kain 素材 材質 生地 소재 재질 材料 材质 面料
        chất-liệu vải วัสดุ ผ้า เนื้อผ้า""",
    "gender": """gender sex geschlecht genre sexe género sexo genere sesso gênero geslacht płeć kön køn kjønn sukupuoli pohlaví nem
        gen φύλο cinsiyet пол стать الجنس جنس-المستخدم लिंग লিঙ্গ jenis-kelamin 性別 성별 性别 giới-tính เพศ""",
}
# Woo reads words of this kind too: facebook-for-woocommerce a1e17a8, fbproduct.php.
_GENDERS = {
    "male": """male man men mens men's boy boys herren männer jungen homme hommes garçon hombre hombres niño uomo uomini homem homens
        masculino menino mannen heren mężczyzna męskie erkek bay мужской мужчины чоловічий رجال رجالي ذكر पुरुष পুরুষ ছেলে pria laki-laki
        男性 メンズ 男 남성 남자 nam ผู้ชาย ชาย""",
    "female": """female woman women womens women's lady ladies girl girls damen frauen mädchen femme femmes fille mujer mujeres niña
        donna donne mulher mulheres feminino menina vrouwen dames kobieta damskie kadin bayan женский женщины жіночий نساء نسائي أنثى
        महिला মহিলা নারী মেয়ে wanita perempuan 女性 レディース 女 여성 여자 nữ ผู้หญิง หญิง""",
    "unisex": "unisex both all mixte unissex uniseks унисекс унісекс للجنسين ユニセックス 男女兼用 남녀공용 中性 男女通用 उभयलिंगी ইউনিসেক্স ยูนิเซ็กส์",
}
_AGE_GROUPS = {
    "newborn": "newborn newborns",
    "infant": "infant infants baby babies",
    "toddler": "toddler toddlers",
    "kids": "kids kid child children",
    "teen": "teen teens teenager teenagers",
    "adult": "adult adults",
    "all ages": "all-ages all everyone",
}
GENDERS, AGE_GROUPS = tuple(_GENDERS), tuple(_AGE_GROUPS)
MOST_AXES = 4
"""facebook-for-woocommerce a1e17a8, ProductValidator: a variant with more options is not synced there."""
# Only these: vowel signs of many scripts are no letters, but part of the word. What stands in brackets explains the name.
_LOOSE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|[\s_\-.:/]+|[\u0300-\u036f]")
_SEPARATORS = re.compile(r"[,:]+")


@lru_cache(maxsize=4_096)
def _folded(name: str) -> str:
    """Bring a word into a form in which case, accents, dotless i, an Arabic article, separators and full-width letters do not matter."""
    return _LOOSE.sub("", normalize("NFKD", name).casefold().replace("\u0131", "i")).removeprefix("ال")


def _by_spelling(words: Mapping[str, str]) -> Mapping[str, str]:
    return {_folded(word): meaning for meaning, spellings in words.items() for word in spellings.split()}


_AXIS_OF, _GENDER_OF, _AGE_GROUP_OF = map(_by_spelling, (_NAMES, _GENDERS, _AGE_GROUPS))


def gender_of(word: str) -> str | None:
    """Read a gender; None when it is none."""
    return _GENDER_OF.get(_folded(word))


def age_group_of(word: str) -> str | None:
    """Read an age group; None when it is none."""
    return _AGE_GROUP_OF.get(_folded(word))


class Sorted(NamedTuple):
    """Options by Meta's fields. `rest` travels as `name:value,name:value`; it holds what is `unknown` and what came `twice`."""

    known: Mapping[str, str]
    rest: str
    unknown: tuple[str, ...]
    twice: tuple[str, ...]


def sort_options(options: Mapping[str, str]) -> Sorted:
    """Sort options into Meta's fields and the rest; a second spelling of the same field joins the rest."""
    known: dict[str, str] = {}
    rest: dict[str, str] = {}
    unknown: list[str] = []
    twice: list[str] = []
    for name in sorted(options):
        value = clean(options[name])
        axis = _AXIS_OF.get(_folded(name))
        if axis == "gender":
            axis, value = (axis, told) if (told := gender_of(value)) else (None, value)
        if not value:
            continue
        if axis and axis not in known:
            known[axis] = value
            continue
        (twice if axis else unknown).append(name)
        rest[_separate(name)] = _separate(value)
    pairs = [f"{name}:{value}" for name, value in rest.items() if name and value]
    return Sorted(known, ",".join(pairs), tuple(unknown), tuple(twice))


def shorten(known: Mapping[str, str]) -> dict[str, str]:
    """Cut options to what Meta takes."""
    return {axis: cut(value, AXES.get(axis, 100)) for axis, value in known.items()}


def _separate(text: str) -> str:
    """Take out what Meta reads as the end of a name or of a value."""
    return " ".join(_SEPARATORS.sub(" ", clean(text)).split())
