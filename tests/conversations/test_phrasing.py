"""The Markdown of language models as it reads on WhatsApp. What is no Markdown comes out as it went in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.phrasing import to_whatsapp

SIGNS = {
    "**Menú**": "*Menú*",
    "__Menú__": "*Menú*",
    "**Hoy** es *muy* tarde": "*Hoy* es _muy_ tarde",
    "_ya_": "_ya_",
    "***ya*** **mismo**": "*_ya_ mismo*",
    "**hoy *mismo* no**": "*hoy _mismo_ no*",
    "*hoy **mismo** no*": "_hoy *mismo* no_",
    "~~20 €~~ **15 €**": "~20 €~ *15 €*",
    "Usa `pip install x_y`": "Usa `pip install x_y`",
    "``a`b``": "```a`b```",
    "**dos\nlíneas**": "*dos*\n*líneas*",
    "**Precio:**20 €": "*Precio:* 20 €",
    "**Nota **importante": "**Nota **importante",
    "✅**Listo**, «**ya**»": "✅*Listo*, «*ya*»",
    "这是**重点。**内容": "这是*重点。*内容",
    "5 \\* 3, \\_así\\_ y \\# 1": "5 * 3, _así_ y # 1",
    "<b>Sí</b><br>no<br/>ya <i>casi</i> <u>bien</u>": "*Sí*\nno\nya _casi_ bien",
    "uno  \ndos\\\ntres": "uno\ndos\ntres",
    "Tom &amp; Ana&nbsp;": "Tom & Ana",
    "a<!-- nota -->b": "ab",
}
LINKS = {
    "[Reservar](https://cafe.es/r_1_a)": "Reservar: https://cafe.es/r_1_a",
    "Mira [la carta](https://cafe.es 'Carta').": "Mira la carta: https://cafe.es.",
    "[Reserva aquí:](https://cafe.es)": "Reserva aquí: https://cafe.es",
    "[https://cafe.es](https://cafe.es)": "https://cafe.es",
    "[cafe.es](https://www.cafe.es/)": "https://www.cafe.es/",
    "**[Carta](https://cafe.es)** y **https://cafe.es/a**": "*Carta*: https://cafe.es y https://cafe.es/a",
    "<https://cafe.es>": "https://cafe.es",
    "![El local](https://cafe.es/1.jpg)": "El local: https://cafe.es/1.jpg",
    "![](https://cafe.es/1.jpg)": "https://cafe.es/1.jpg",
    "[![Logo](https://cafe.es/1.jpg)](https://cafe.es)": "Logo: https://cafe.es",
    "[ana@cafe.es](mailto:ana@cafe.es)": "ana@cafe.es",
    "[+34 600 000 101](tel:+34600000101)": "+34 600 000 101",
    "[Llámanos](tel:+34600000101)": "Llámanos: +34600000101",
    "[Arriba](#inicio)": "Arriba",
    "[Café ñ](https://cafe.es/ñ?a=1&b=2)": "Café ñ: https://cafe.es/ñ?a=1&b=2",
}
BLOCKS = {
    "# Horario\nAbrimos a las 9.": "*Horario*\nAbrimos a las 9.",
    "## **Horario** de *verano* ##\n\nHola": "*Horario de _verano_*\n\nHola",
    "### [Web](https://cafe.es)": "*Web*: https://cafe.es",
    "* uno\n* dos\n    * tres": "- uno\n- dos\n  - tres",
    "1. uno\n   - dos\n\n2. tres": "1. uno\n   - dos\n\n2. tres",
    "1. uno\n1. dos\n1. tres": "1. uno\n2. dos\n3. tres",
    "3. tres\n2. dos": "3. tres\n2. dos",
    "- [ ] pan\n- [x] leche": "- ☐ pan\n- ☑ leche",
    "Tenemos:\n- pan\n- leche\n¿Algo más?": "Tenemos:\n- pan\n- leche\n¿Algo más?",
    "20 €\n+ IVA\nGracias": "20 €\n+ IVA\nGracias",
    "> cita **larga**\n> sigue\n\nfin": "> cita *larga*\n> sigue\n\nfin",
    "> 18 años: 10 €\nNiños: 5 €": "> 18 años: 10 €\nNiños: 5 €",
    "uno\n\n---\n\ndos": "uno\n\ndos",
    "uno\n---\ndos": "uno\n\ndos",
    "```python\na = '**x**'\n\n  b\n```\nfin": "```\na = '**x**'\n\n  b\n```\nfin",
    "~~~\nx\n~~~": "```\nx\n```",
    "| Día | Hora |\n|---|---|\n| Lunes | 9–14 |\n| **Martes** | 9–14<br>17–20 |": (
        "*Día: Hora*\nLunes: 9–14\n*Martes*: 9–14, 17–20"
    ),
    "| Plan | Precio | Web |\n|:--|--:|---|\n| Uno | 10 € | [ver](https://c.es) |\n| Dos | | |": (
        "*Plan*: Uno\n*Precio*: 10 €\n*Web*: ver: https://c.es\n\n*Plan*: Dos"
    ),
    "| | |\n|--|--|\n| Wifi | sí |": "Wifi: sí",
    "| Postres |\n|---|\n| Flan |": "*Postres*\n- Flan",
}
UNCHANGED = [
    "snake_case_name, __dunder y _a",
    "2*3*4 = 24, 2**3**4, 5 * 3 * 2",
    "Cuesta 12,50 € (antes ~15 €). *IVA incluido",
    "https://cafe.es/_a_/__b__/*c*?q=x_y_z#_t_ y www.a_b_.es",
    "Llama al +34 600-000-101 o escribe a ana_maria_gil@cafe.es",
    "👍🏽 👨‍👩‍👧 ¡Genial! 😊🇪🇸",
    "مرحبا بك في المقهى_الكبير",
    "שלום, מה שלומך?",
    "#oferta #1 ... 50% & <3 >:( a < b > c",
    "Escribe <tu nombre> o [nombre] aquí [1]",
    "C:\\carpeta\\archivo.txt $5 y $10 100|200",
    "Hola\nQué tal\n\n\nAdiós",
    "• uno\n• dos\n1) tres\n2024. Fue un buen año",
    "*Horario*\n\n- *Lunes:* de 9 a 14\n> _cita_ ~no~\n\n```\nx_y\n```",  # WhatsApp's own markup
    "*Horario*: _de 9 a 14_",
    "",
]
ANSWER = """### 🍽️ Nuestra carta

¡Claro, Lucía! Estas son las opciones **sin gluten**:

1. **Ensalada templada** – 9,50 €
   - Con *queso de cabra*
   - [Ver foto](https://cafe.example/fotos/ensalada_templada.jpg)
2. **Risotto de setas** – 12,00 €

| Día | Horario |
|-----|---------|
| Lunes a viernes | 9:00–14:00 |
| Sábado | Cerrado |

---

> **Nota:** avísanos de tus alergias.

¿Te reservo mesa?"""
ON_THE_PHONE = """*🍽️ Nuestra carta*

¡Claro, Lucía! Estas son las opciones *sin gluten*:

1. *Ensalada templada* – 9,50 €
   - Con _queso de cabra_
   - Ver foto: https://cafe.example/fotos/ensalada_templada.jpg
2. *Risotto de setas* – 12,00 €

*Día: Horario*
Lunes a viernes: 9:00–14:00
Sábado: Cerrado

> *Nota:* avísanos de tus alergias.

¿Te reservo mesa?"""
ENGLISH = """Sure! Here's how to reset your **router**:

* **Step 1:** Hold the _reset_ button for 10 seconds
* **Step 2:** Open [the portal](http://192.168.1.1/)

```bash
ping -c 4 192.168.1.1
```
If that doesn't work, call us. **We're open 24/7!**"""
ENGLISH_ON_THE_PHONE = """Sure! Here's how to reset your *router*:

- *Step 1:* Hold the _reset_ button for 10 seconds
- *Step 2:* Open the portal: http://192.168.1.1/

```
ping -c 4 192.168.1.1
```
If that doesn't work, call us. *We're open 24/7!*"""


@pytest.mark.parametrize(("written", "reads"), [*SIGNS.items(), *LINKS.items(), *BLOCKS.items()])
def test_markdown_reads_well_on_whatsapp(written, reads):
    assert to_whatsapp(written) == reads


@pytest.mark.parametrize(("written", "reads"), [(ANSWER, ON_THE_PHONE), (ENGLISH, ENGLISH_ON_THE_PHONE)])
def test_a_whole_answer_reads_well_and_stays_so(written, reads):
    assert to_whatsapp(written) == reads
    assert to_whatsapp(reads) == reads


@pytest.mark.parametrize("text", UNCHANGED)
def test_what_is_no_markdown_stays_as_it_is(text):
    assert to_whatsapp(text) == text


@pytest.mark.parametrize("text", ["---", "#", "<br>", "| |\n|-|"])
def test_what_says_nothing_becomes_nothing(text):
    assert to_whatsapp(text) == ""


def test_windows_lines_are_lines():
    assert to_whatsapp("# A\r\n\r\n* b\r\n* c") == "*A*\n\n- b\n- c"


WORDS = st.text(st.characters(categories=["L", "N", "Sc"]), min_size=1, max_size=8)


@given(st.lists(WORDS, max_size=30))
def test_words_alone_are_never_touched(words):
    text = " ".join(words)
    assert to_whatsapp(text) == text


@pytest.mark.parametrize(
    ("markdown", "read"),
    [
        ("```python\nx = 1\n```", "```\nx = 1\n```"),
        ("~~~~A", "```\nA\n```"),
        ("```Total\n12 €\n```", "```\nTotal\n12 €\n```"),
    ],
)
def test_a_fence_loses_the_word_for_its_language_and_no_other(markdown, read):
    assert to_whatsapp(markdown) == read


@given(st.lists(WORDS | st.sampled_from(["**", "*", "_", "~~", "`", "# ", "- ", "> ", "\n", "\n\n", "|", "[", "]("])))
def test_no_word_is_lost_whatever_stands_around_it(pieces):
    text = "".join(pieces)
    words = "".join(character for character in text if character.isalpha())
    assert "".join(character for character in to_whatsapp(text) if character.isalpha()) == words
