"""Words of --cluster: what they mean, and what is said of those that mean nothing."""

import pytest

from lrcli.cluster.words import ClassOfCluster, Local, Scheduler, parse_word
from lrcli.errors import UsageError
from lrcli.training.cores import cores

GOOD = {
    "tcp://lab:8786": Scheduler("tcp", "lab", 8786),
    "tls://10.0.0.7:1/": Scheduler("tls", "10.0.0.7", 1),
    "tcp://[::1]:8786": Scheduler("tcp", "::1", 8786),
    "local": Local(cores()),
    "local:4": Local(4),
    "dask_jobqueue.SLURMCluster": ClassOfCluster("dask_jobqueue", "SLURMCluster", None),
    "a.b.Cluster:12": ClassOfCluster("a.b", "Cluster", 12),
}
BAD = {
    "": "is no cluster",
    "lab": "is no cluster",
    "lab:8786": "is no cluster",
    "Local": "is no cluster",
    ".Cluster": "is no cluster",
    "a..B": "is no cluster",
    "http://lab:8786": "begins with tcp:// or tls://, not http://",
    "tcp://lab": "has no port; Dask's own is 8786: tcp://lab:8786",
    "tcp://": "has no port",
    "tcp://[::1]": "has no port",
    "tcp://:8786": "nothing is no host",
    "tcp://::1:8786": "is no host",
    "tcp://a b:8786": "is no host",
    "tcp://lab:port": "port is no port",
    "tcp://lab:": "nothing is no port",
    "tcp://lab:0": "0 is no port",
    "tcp://lab:65536": "65536 is no port",
    "tcp://lab:²": "is no port",
    "local:0": "0 is no number of workers",
    "local:-1": "-1 is no number of workers",
    "local:two": "two is no number of workers",
    "local:": "nothing is no number of workers",
    "local:99999": f"say {max(32, 4 * cores())} or fewer",
    "local:" + "9" * 5000: "is no number of workers",
    "a.B:0": "0 is no number of workers",
}


@pytest.mark.parametrize("word", GOOD)
def test_a_word_means(word):
    assert parse_word(word) == GOOD[word]


@pytest.mark.parametrize("word", BAD, ids=range(len(BAD)))
def test_what_means_nothing_is_refused(word):
    with pytest.raises(UsageError) as caught:
        parse_word(word)
    assert str(caught.value).startswith(f"--cluster {word}: ")
    assert BAD[word] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address_is_written_as_dask_does():
    assert [parse_word(word).address for word in ("tcp://[::1]:8786", "tls://lab:1/")] == [
        "tcp://[::1]:8786",
        "tls://lab:1",
    ]
