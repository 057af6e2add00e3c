"""A network small enough to compute by hand, written as a folder like the real ones."""

from pathlib import Path

import pytest

from mesenbayes.network.folder import networks_folder

NETWORK = """
[network]
name = "tiny"
version = "1"
title = "Three tumours of the stomach"
evidence = "evidence"
priors = "priors.csv"
treatment = "treatment"
variants = "variants.toml"

{pooling}

[[tumour]]
code = "GIST"
name = "gastrointestinal stromal tumour"
lineage = "interstitial"
[[tumour]]
code = "LM"
name = "leiomyoma"
lineage = "smooth_muscle"
icdo3 = "8890/0"
[[tumour]]
code = "SCHW"
name = "schwannoma"
lineage = "neural"
[[tumour]]
code = "OTHER"
name = "none of these"
lineage = "none"

[genotype]
tumour = "GIST"
states = ["KIT", "other"]
groups = {}

[[variable]]
name = "site"
kind = "root"
states = ["stomach"]
[[variable]]
name = "ascertainment"
kind = "root"
states = ["biopsy", "resection"]
[[variable]]
name = "sampling"
kind = "root"
role = "specimen"
states = ["core", "fna"]
[[variable]]
name = "cells"
kind = "specimen"
role = "specimen"
parents = ["sampling"]
states = ["adequate", "scant"]
[[variable]]
name = "bleeding"
kind = "feature"
[[variable]]
name = "calcified"
kind = "feature"
genotype = true
[[variable]]
name = "CD117"
kind = "stain"
aliases = ["c-KIT"]
[[variable]]
name = "S100"
kind = "stain"
[[variable]]
name = "shape"
kind = "choice"
states = ["spindle", "epithelioid", "mixed"]
[[variable]]
name = "age"
kind = "measure"
unit = "years"
cuts = [40, 60]
right_open = true
limits = [0, 120]
states = ["young", "middle", "old"]
[[variable]]
name = "size_cm"
kind = "measure"
unit = "cm"
cuts = [2, 5]
limits = [0.01, 60]
conversions = { size_mm = 0.1 }
states = ["small", "medium", "large"]
"""

PRIORS = """variable,given,state,weight,strength,reason
site,,stomach,1,100,stated
ascertainment,,biopsy,1,10,stated
ascertainment,,resection,1,10,stated
sampling,,core,1,10,stated
sampling,,fna,1,10,stated
cells,sampling=core,adequate,9,10,assumption
cells,sampling=core,scant,1,10,assumption
cells,sampling=fna,adequate,3,10,assumption
cells,sampling=fna,scant,1,10,assumption
stain_reading,expression=absent;cells=adequate,negative,97,100,assumption
stain_reading,expression=absent;cells=adequate,focal,2,100,assumption
stain_reading,expression=absent;cells=adequate,positive,1,100,assumption
stain_reading,expression=present;cells=adequate,negative,2,100,assumption
stain_reading,expression=present;cells=adequate,focal,18,100,assumption
stain_reading,expression=present;cells=adequate,positive,80,100,assumption
stain_reading,expression=absent;cells=scant,negative,98,100,assumption
stain_reading,expression=absent;cells=scant,focal,1,100,assumption
stain_reading,expression=absent;cells=scant,positive,1,100,assumption
stain_reading,expression=present;cells=scant,negative,50,100,assumption
stain_reading,expression=present;cells=scant,focal,25,100,assumption
stain_reading,expression=present;cells=scant,positive,25,100,assumption
incidence,tumour=GIST,per_million,6,1,declared for the test
incidence,tumour=LM,per_million,3,1,declared for the test
incidence,tumour=SCHW,per_million,1,1,declared for the test
site,tumour=GIST,stomach,1,definition,all in the stomach
site,tumour=LM,stomach,1,definition,all in the stomach
site,tumour=SCHW,stomach,1,definition,all in the stomach
genotype,tumour=GIST,KIT,8,10,declared for the test
genotype,tumour=GIST,other,2,10,declared for the test
bleeding,tumour=GIST,present,8,definition,exact for the test
bleeding,tumour=GIST,absent,2,definition,exact for the test
bleeding,tumour=LM,present,4,definition,exact for the test
bleeding,tumour=LM,absent,6,definition,exact for the test
bleeding,tumour=SCHW,present,1,definition,exact for the test
bleeding,tumour=SCHW,absent,9,definition,exact for the test
"""

COUNTS = """tumour,finding,state,k,n,given,subgroup,definition,source_id,trust,overlap,exclude,quote
GIST,CD117,positive,95,100,,all,,LARGE2001,primary,,,95 of 100
GIST,CD117,positive,17,20,,all,,SMALL2002,primary,,,17 of 20
GIST,CD117,positive,10,30,,all,,PICKED2003,primary,,selected by the stain,10 of 30
GIST,CD117,positive,8,10,,all,,OLD1999,secondary,archive,,8 of 10
GIST,CD117,positive,28,40,,all,,NEW2005,secondary,archive,,28 of 40
LM,CD117,positive,0,40,,all,,LARGE2001,primary,,,none of 40
SCHW,S100,positive,50,50,,all,,LARGE2001,primary,,,all 50
GIST,S100,positive,1,60,,all,,LARGE2001,primary,,,1 of 60
GIST,calcified,present,6,60,,all,,LARGE2001,primary,,,6 of 60
LM,calcified,present,2,40,,all,,LARGE2001,primary,,,2 of 40
GIST,calcified,present,9,10,genotype=other,all,,RARE2010,primary,,,9 of 10
GIST,shape,spindle,70,100,,all,,LARGE2001,primary,,,70 of 100
GIST,shape,epithelioid,20,100,,all,,LARGE2001,primary,,,20 of 100
GIST,shape,mixed,10,100,,all,,LARGE2001,primary,,,10 of 100
GIST,genotype,KIT,80,100,,all,,LARGE2001,primary,,,80 of 100
GIST,genotype,other,20,100,,all,,LARGE2001,primary,,,20 of 100
"""

SOURCES = """source_id,first_author,year,title
LARGE2001,Large A,2001,A large series
SMALL2002,Small B,2002,A small series
PICKED2003,Picked C,2003,A selected series
OLD1999,Old D,1999,An archive
NEW2005,Old D,2005,The archive again
RARE2010,Rare E,2010,A rare genotype
"""

AGES = """tumour,statistic,years,sd,n,subgroup,source_id,trust,quote
GIST,mean,60,12,100,all,LARGE2001,primary,mean age 60 (SD 12)
"""

JOINT = """tumour,pattern,k,n,given,subgroup,source_id,trust,overlap,exclude,quote
GIST,CD117=positive;S100=negative,56,60,,all,LARGE2001,primary,,,56 of 60
GIST,CD117=negative;S100=positive,55,60,,all,RARE2010,primary,,,55 of 60
LM,colour=red;S100=positive,5,60,,all,RARE2010,primary,,,5 of 60
"""


def pooling_of_the_flagship() -> str:
    """Return its ``[pooling]`` table: the settings are the model's, not the test's."""
    text = (networks_folder() / "mesenchymal" / "network.toml").read_text()
    return text[text.index("[pooling]") : text.index("[[tumour]]")]


def write_tiny(folder: Path) -> Path:
    """Write the tiny network into `folder`."""
    (folder / "evidence" / "counts").mkdir(parents=True)
    for name, text in {
        "network.toml": NETWORK.replace("{pooling}", pooling_of_the_flagship()),
        "priors.csv": PRIORS,
        "variants.toml": "",
        "evidence/counts/all.csv": COUNTS,
        "evidence/sources.csv": SOURCES,
        "evidence/age_summaries.csv": AGES,
        "evidence/joint_patterns.csv": JOINT,
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "tiny")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory):
    from mesenbayes.facade import load_network

    return load_network(write_tiny(tmp_path_factory.mktemp("tiny") / "tiny"))
