"""
Options that need the memory of a device.

They leave out traits carried over from the person before, and send of the context what is new.
"""

from collections.abc import Mapping

from attrs import evolve

from sdkbridge.acceptance.admission import Admitted
from sdkbridge.calls import AnyCall, Identify, JSONObject
from sdkbridge.mapping.context import context_texts
from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.sessions import transitions
from sdkbridge.sessions.session import Change, DeviceSession
from sdkbridge.values.flattening import flatten


def without_carried_traits(
    before: DeviceSession, admitted: Admitted, texts: Mapping[str, str]
) -> tuple[Admitted, Mapping[str, str]]:
    """
    Leave out what was said of the person before, if a call names somebody else without a reset.

    Segment's classic mobile SDKs keep traits until the reset, and so say of the second person what is known of
    the first (analytics-ios, analytics-android and analytics-react-native merge the traits of an identify).

    Args:
        before: the session so far.
        admitted: the call.
        texts: the traits of an identify, as they are sent.
    """
    call = admitted.call
    if not isinstance(call, Identify) or transitions.identify(before, call.user_id)[1] is not Change.SWITCH:
        return admitted, texts
    carried = [name for name, text in texts.items() if before.traits.get(name) == text]
    if not carried:
        return admitted, texts
    remarks = Remarks()
    for name in carried:
        remarks.add(Problem.CARRIED_TRAITS, name)
    new = {name: text for name, text in texts.items() if name not in carried}
    warnings = (*admitted.warnings, *remarks.warnings())
    return evolve(admitted, call=evolve(call, traits=new), warnings=warnings), new


def trait_texts(call: AnyCall, options: MappingOptions, remarks: Remarks) -> Mapping[str, str]:
    """
    Return the traits of an identify as the texts that are sent; what there is to say of them is noted.
    """
    texts: dict[str, str] = {}
    for leaf in flatten(call.traits, options) if isinstance(call, Identify) else ():
        for problem in (*leaf.problems, *leaf.notes):
            remarks.add(problem, leaf.name)
        if leaf.text is not None:
            texts[leaf.name] = leaf.text
    return texts


def changed_context(
    session: DeviceSession, context: JSONObject, options: MappingOptions
) -> tuple[DeviceSession, Mapping[str, str]]:
    """
    Return those properties of the app and the device that differ from the ones last set, and remember them.
    """
    texts = context_texts(context, options)
    after, changed = transitions.set_distinct(session, texts)
    return after, {name: text for name, text in texts.items() if name in changed}
