"""Rules and re-ranking settings check themselves; a rules file is JSON."""

import pytest

from tfx_configs.frozen import SettingsError
from tfx_configs.rerank import RerankSettings, Rule, Rules


def test_a_rules_file_and_back() -> None:
    text = '{"rules": [{"action": "cap", "attribute": "brand", "most": 2}, {"action": "exclude", "values": ["7"]}]}'
    rules = Rules.from_json(text)
    assert rules.rules == (Rule(action="cap", attribute="brand", most=2), Rule(action="exclude", values=("7",)))
    assert Rules.from_json(rules.to_json()) == rules


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ('{"action": "hide", "values": ["7"]}', r"rules.0.action: expected one of exclude, restrict, cap"),
        ('{"action": "exclude"}', "values: expected at least one with exclude"),
        ('{"action": "cap", "attribute": "brand"}', "most: expected 1 to 100 with a cap"),
        ('{"action": "cap", "most": 2}', "attribute: expected another column than item_id with a cap"),
        ('{"action": "exclude", "values": ["7"], "most": 2}', "most: expected 0 with exclude"),
        ('{"action": "exclude", "values": "7"}', "rules.0.values: expected a list of str"),
        ('{"action": "exclude", "values": ["7"], "shop": "1"}', "shop: unknown in Rule"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused_in_one_line(rule: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as error:
        Rules.from_json(f'{{"rules": [{rule}]}}')
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("explore_boost", -1),
        ("diversity", 1.0),
        ("explore_percent", 60.0),
        ("explore_place", 0),
        ("explore_pool", 0),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=name):
        RerankSettings(**{name: value})  # type: ignore[arg-type]


def test_a_model_without_probabilities_keeps_the_rules_alone() -> None:
    rule = Rule(action="exclude", values=("7",))
    assert RerankSettings(explore_boost=1.0, diversity=0.5, rules=(rule,)).rules_only() == RerankSettings(
        rules=(rule,), newcomer_diversity=0
    )
