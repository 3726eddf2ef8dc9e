"""The first set of letters of the Chongqing allowance market; analysts go on from these files in Word.

`python -m tests.builders.ets_letters` writes them anew, over what analysts changed since.
"""

from __future__ import annotations

from pathlib import Path

from tests.builders.letters import Letter, build

FOLDER = Path(__file__).parents[2] / "documents" / "chongqing-ets" / "_shared"
BUREAU = "重庆市生态环境局"
MEASURES = "《重庆市碳排放权交易管理办法（试行）》（渝府发〔2023〕6号）"
NOTICE = "《{{ about.documents.notice.title }}》（{{ about.documents.notice.number }}）"
TONNES = "吨二氧化碳当量"
REMEDIES = (
    "如不服本{paper}，可以自收到本{paper}之日起60日内，依法向重庆市人民政府申请行政复议；"
    "也可以自收到本{paper}之日起6个月内，依法向有管辖权的人民法院提起行政诉讼。"
)

LETTERS = {
    "allocation-notice": Letter(
        authority=BUREAU,
        number="{{ documents.notice.number }}",
        title="碳排放配额分配通知书",
        to="{{ party.name }}",
        body=(
            f"根据{MEASURES}第十一条第一款，我局按照碳排放配额总量确定与分配方案，核定了你单位"
            "{{ start.year }}年度碳排放配额。现将分配结果通知如下：",
            "# 一、分配结果",
            "你单位（统一社会信用代码：{{ party.uscc }}）的{{ start.year }}年度碳排放配额为"
            f"{{{{ start.amount | tonnes }}}}{TONNES}。",
            "# 二、异议与复核",
            f"你单位对上述分配结果有异议的，根据{MEASURES}第十一条第二款，可以自接到本通知之日起"
            "{{ periods.objection }}内"
            f"（接到当日不计算在内），向{BUREAU}申请复核。复核申请应当写明异议事项和理由，并附相关证明材料。"
            "我局自接到复核申请之日起{{ periods.decision }}内作出复核决定。",
            "期满未申请复核的，按照本通知确定的配额执行。",
            "特此通知。",
        ),
    ),
    "verification-notice": Letter(
        authority=BUREAU,
        number="{{ documents.notice.number }}",
        title="排放核查结果告知书",
        to="{{ party.name }}",
        body=(
            f"根据{MEASURES}第二十五条第一款，我局组织对你单位{{{{ start.year }}}}年度温室气体排放报告进行了核查。"
            "现将核查结果告知如下：",
            "# 一、核查结果",
            "你单位（统一社会信用代码：{{ party.uscc }}）的{{ start.year }}年度温室气体排放量经核查为"
            f"{{{{ start.amount | tonnes }}}}{TONNES}。本结果同时抄送你单位所在地的区县生态环境局。",
            "# 二、异议与复核",
            f"你单位对上述核查结果有异议的，根据{MEASURES}第二十五条第二款，可以自被告知核查结果之日起"
            "{{ periods.objection }}内"
            f"（被告知当日不计算在内），向{BUREAU}申请复核。复核申请应当写明异议事项和理由，并附相关证明材料。"
            "我局自接到复核申请之日起{{ periods.decision }}内作出复核决定。",
            "期满未申请复核的，以本告知书确定的排放量作为清缴碳排放配额的依据。",
            "特此告知。",
        ),
    ),
    "review-decision": Letter(
        authority=BUREAU,
        number="{{ documents.decision.number }}",
        title="复核决定书",
        to="{{ party.name }}",
        body=(
            f"你单位对{NOTICE}有异议，向我局申请复核（办件编号：{{{{ case.number }}}}）。"
            "我局于{{ case.filed_at | day }}收到该申请，现已复核完毕。",
            "# 一、复核请求",
            f"原确定的{{{{ with.figure }}}}为{{{{ about.start.amount | tonnes }}}}{TONNES}"
            "{% if start.claimed_amount %}，你单位请求确定为"
            f"{{{{ start.claimed_amount | tonnes }}}}{TONNES}{{% endif %}}。你单位提出的理由是：",
            "{{ start.grounds }}",
            "# 二、查明的事实与复核意见",
            "{{ draft.findings }}",
            "{{ review.reasons }}",
            "# 三、复核决定",
            f"根据{MEASURES}{{{{ with.right }}}}，我局决定：",
            '{%p if review.conclusion == "维持" %}',
            f"维持{NOTICE}确定的{{{{ with.figure }}}}。",
            '{%p elif review.conclusion == "变更" %}',
            f"将{NOTICE}确定的{{{{ with.figure }}}}变更为{{{{ review.amount | tonnes }}}}{TONNES}。",
            "{%p else %}",
            f"撤销{NOTICE}，由我局重新核定并另行通知。",
            "{%p endif %}",
            "# 四、救济途径",
            REMEDIES.format(paper="决定"),
        ),
    ),
    "review-refusal": Letter(
        authority=BUREAU,
        number="{{ documents.refusal.number }}",
        title="不予受理告知书",
        to="{{ party.name }}",
        body=(
            f"你单位于{{{{ case.filed_at | day }}}}对{NOTICE}提出的复核申请（办件编号："
            "{{ case.number }}）收悉。"
            f"经审查，该申请不符合{MEASURES}{{{{ with.right }}}}的规定，理由如下：",
            '{%p if check.result == "提请认定正当理由" %}',
            "{{ justify.reason }}",
            "{%p else %}",
            "{{ check.reason }}",
            "{%p endif %}",
            "现告知你单位，我局对该申请不予受理。",
            REMEDIES.format(paper="告知书"),
        ),
    ),
    "adjustment-notice": Letter(
        authority=BUREAU,
        number="{{ documents.adjustment.number }}",
        title="{{ title }}",
        to="{{ party.name }}",
        body=(
            f"根据{MEASURES}{{{{ with.right }}}}，我局对你单位的复核申请（办件编号：{{{{ case.number }}}}）作出了"
            "《复核决定书》（{{ documents.decision.number }}），变更你单位{{ about.start.year }}"
            "{{ with.figure }}。现通知如下：",
            "# 一、变更结果",
            f"{NOTICE}确定的{{{{ with.figure }}}}为{{{{ about.start.amount | tonnes }}}}{TONNES}，"
            f"现变更为{{{{ review.amount | tonnes }}}}{TONNES}，并据此办理登记。原文书的其他内容不变。",
            "# 二、救济途径",
            "本通知系执行上述复核决定，不重新起算申请复核的期限。" + REMEDIES.format(paper="通知"),
        ),
    ),
}


def main() -> None:
    """Write all letters into the repository's folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, letter in LETTERS.items():
        (FOLDER / f"{name}.docx").write_bytes(build(letter))


if __name__ == "__main__":
    main()
