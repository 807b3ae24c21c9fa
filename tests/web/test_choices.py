"""The options of a select."""

from tom.web.templatetags.choices import options


def test_one_option_is_selected_and_none_breaks_the_page():
    text = options(("a", "<b>"), "<b>")

    assert (
        text
        == '<option value="a">a</option>\n<option value="&lt;b&gt;" selected>&lt;b&gt;</option>'
    )


def test_nothing_chosen_selects_nothing():
    assert "selected" not in options(("a",), None)
