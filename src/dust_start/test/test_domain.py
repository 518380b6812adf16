import pytest

from dust_start import domain
from dust_start.domain import claimed_domain, taken_domains


def test_a_claimed_domain_is_not_given_twice(tmp_path):
    with claimed_domain(tmp_path) as first, claimed_domain(tmp_path) as second:
        assert first != second
        assert taken_domains(tmp_path) == sorted([first, second])
    assert taken_domains(tmp_path) == []


def test_domains_leave_the_default_and_the_ephemeral_ports_alone():
    ports = [7400 + 250 * number + 249 for number in domain.DOMAINS]
    assert 0 not in domain.DOMAINS
    assert max(ports) < 32768


def test_no_free_domain_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(domain, "DOMAINS", range(5, 6))
    with (
        claimed_domain(tmp_path),
        pytest.raises(RuntimeError, match="all ROS domain ids are taken"),
        claimed_domain(tmp_path),
    ):
        pass
