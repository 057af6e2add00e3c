"""What a pathologist knows, asked of the flagship network.

No test pins a probability: each says which way the answer must go, and by how much at least,
with the source that says so.
"""

from __future__ import annotations

import math

import pytest

GASTRIC = {"site": "stomach"}


def ask(network, **findings):
    answer = network.diagnose(findings)
    return dict(zip(network.variable("tumour").states, answer.probabilities, strict=True))


def genotype(network, **findings):
    return network.diagnose(findings).genotype


def odds(p):
    return p / (1 - p)


def pdgfra(genotypes):
    return sum(p for name, p in genotypes.items() if name.startswith("PDGFRA"))


def test_cd117_negative_dog1_positive_epithelioid_gastric_is_pdgfra_gist(flagship):
    """Medeiros et al., Am J Surg Pathol 2004;28:889: KIT-negative GIST are mostly gastric,
    epithelioid and PDGFRA-mutant; Espinosa 2008 (DOG1 stays positive in them)."""
    case = {**GASTRIC, "morphology": "epithelioid", "DOG1": "positive"}
    negative = ask(flagship, **case, CD117="negative")
    assert max(negative, key=negative.get) == "GIST"
    without = pdgfra(genotype(flagship, **case, CD117="negative"))
    with_kit = pdgfra(genotype(flagship, **case, CD117="positive"))
    assert odds(without) > 3 * odds(with_kit)


def test_diffuse_s100_with_negative_cd117_in_the_stomach_is_schwannoma(flagship):
    """Voltaggio et al., Am J Surg Pathol 2012;36:650 (gastric schwannoma, 51 cases)."""
    case = {**GASTRIC, "morphology": "spindle", "CD117": "negative"}
    before, after = ask(flagship, **case), ask(flagship, **case, S100="positive")
    assert max(after, key=after.get) == "SCHW"
    assert odds(after["SCHW"]) > 5 * odds(before["SCHW"])
    assert after["GIST"] < before["GIST"]


def test_sdhb_loss_moves_gist_to_sdh_deficient(flagship):
    """Gill et al., Am J Surg Pathol 2010;34:636; Miettinen et al. 2011;35:1712."""
    case = {**GASTRIC, "CD117": "positive", "DOG1": "positive"}
    lost = genotype(flagship, **case, SDHB="lost")
    kept = genotype(flagship, **case, SDHB="retained")
    assert max(lost, key=lost.get) == "SDH_deficient"
    assert odds(lost["SDH_deficient"]) > 20 * odds(kept["SDH_deficient"])
    assert ask(flagship, **case, SDHB="lost")["GIST"] > 0.9


def test_nuclear_beta_catenin_is_desmoid(flagship):
    """Bhattacharya et al. 2005 (PMID 15832090); Montgomery et al. 2002 (PMID 12360044)."""
    for site in ("abdominal_wall", "mesentery_omentum"):
        case = {"site": site, "morphology": "spindle"}
        before, after = ask(flagship, **case), ask(flagship, **case, beta_catenin="nuclear")
        assert max(after, key=after.get) == "DES"
        assert odds(after["DES"]) > 3 * odds(before["DES"])


def test_stat6_is_solitary_fibrous_tumour(flagship):
    """Doyle et al., Mod Pathol 2014;27:390; Demicco 2015."""
    case = {"site": "thorax", "morphology": "spindle"}
    before, after = ask(flagship, **case), ask(flagship, **case, STAT6="positive")
    assert max(after, key=after.get) == "SFT"
    assert odds(after["SFT"]) > 5 * odds(before["SFT"])


def test_mdm2_amplification_in_the_retroperitoneum_is_liposarcoma(flagship):
    """Binh et al., Am J Surg Pathol 2005;29:1340; Thway et al. 2015 (FISH)."""
    case = {"site": "retroperitoneum"}
    before, after = ask(flagship, **case), ask(flagship, **case, MDM2_amplification="present")
    together = after["WDLS"] + after["DDLS"]
    assert together > 0.7
    assert odds(together) > 5 * odds(before["WDLS"] + before["DDLS"])


def test_a_kit_positive_melanoma_does_not_become_gist(flagship):
    """Satzger et al., Br J Cancer 2008 (KIT in mucosal melanoma); HMB45 and SOX10 decide."""
    case = {"site": "rectum", "morphology": "epithelioid", "CD117": "positive"}
    for extra in ({}, {"DOG1": "negative"}):
        after = ask(flagship, **case, **extra, HMB45="positive", SOX10="positive")
        assert max(after, key=after.get) == "MEL"
    answer = flagship.diagnose({**case, "HMB45": "positive", "SOX10": "positive"})
    sheet = answer.balance_against(["GIST"])[0]
    weights = {w.variable: w.shapley for w in sheet.weights}
    assert weights["HMB45"] > 2
    assert weights["SOX10"] > 2
    assert weights["CD117"] < -1.5
    assert "CD117" in {w.variable for w in sheet.against}


def test_a_negative_stain_on_a_scant_aspirate_counts_for_little(flagship):
    """ESMO-EURACAN: FNA alone is often insufficient; a stain without cells cannot be negative."""
    case = {**GASTRIC, "morphology": "spindle"}

    def weight(**sample):
        before = ask(flagship, **case, **sample)["GIST"]
        after = ask(flagship, **case, **sample, CD117="negative")["GIST"]
        return abs(math.log(odds(after) / odds(before)))

    poor = weight(sampling="fna", cells="scant")
    good = weight(sampling="resection", cells="adequate")
    assert poor < 0.7 * good


def test_weak_and_diffuse_staining_are_not_the_same(flagship):
    case = {**GASTRIC, "morphology": "spindle"}
    p = {s: ask(flagship, **case, CD117=s)["GIST"] for s in ("negative", "focal", "positive")}
    assert p["negative"] < p["focal"] < p["positive"]


def test_a_likelihood_and_a_required_probability_mean_what_they_say(flagship):
    """Pearl: a flat likelihood says nothing. Jeffrey: the stated probability is the posterior."""
    case = {**GASTRIC, "morphology": "spindle"}
    flat = {"likelihood": {"negative": 1, "focal": 1, "positive": 1}}
    assert ask(flagship, **case, CD117=flat)["GIST"] == pytest.approx(
        ask(flagship, **case)["GIST"], abs=1e-9
    )
    wanted = {"negative": 0.2, "focal": 0.3, "positive": 0.5}
    answer = flagship.diagnose({**case, "CD117": {"probability": wanted}})
    codes, likelihoods = answer.encoded.batch()
    after = flagship.compiled.run(codes, likelihoods, targets=("CD117",)).posterior["CD117"][0]
    assert after == pytest.approx([0.2, 0.3, 0.5], abs=1e-6)


def test_changing_one_stain_is_the_same_as_stating_it(flagship):
    base = {**GASTRIC, "morphology": "spindle", "CD117": "positive", "DOG1": "positive"}
    changed = flagship.diagnose(base).what_if({"c-kit": "negative"})
    direct = flagship.diagnose({**base, "CD117": "negative"})
    assert changed.probabilities == pytest.approx(direct.probabilities)
    taken_out = flagship.diagnose(base).what_if({"CD117": None})
    assert "CD117" not in {f.variable for f in taken_out.case.findings}
    comparison = flagship.diagnose(base).compare({"CD117": "negative"})
    assert comparison.differing == ("CD117",)
    frame = comparison.to_frame()
    assert list(frame.columns) == [s.name for s in comparison.scenarios]
    assert frame.loc["GIST"].iloc[0] > frame.loc["GIST"].iloc[1]
