"""
What each cause means, and what ends it, in words for those who do not read code.

The remedies follow Kissmetrics' pages on squished identities and on several people in one browser.
"""

from identity.squished import Cause

MEANINGS = {
    Cause.PLACEHOLDER: (
        "A text such as “null” stands where an identity should be. Everybody who carries it becomes one person.",
        "Find the program that sends it, usually for customers who have not signed in, and let it send nothing.",
    ),
    Cause.HUB: (
        "One text is joined with many customers: the name of a program, or a device at a counter.",
        "Take that alias out of the program. Let a device for everybody forget its identity after each customer.",
    ),
    Cause.SHARED_DEVICE: (
        "Somebody else signed in on a device, and the app joined both with the device's identity.",
        "Reset the identity at each log-out, and alias only the first time that somebody signs in on a device.",
    ),
    Cause.ADDRESS_CHANGE: (
        "An e-mail address was changed to one that another customer had.",
        "Ask who made the change. Before an alias, look whether the new address belongs to somebody.",
    ),
    Cause.TWO_ACCOUNTS: (
        "Two accounts were joined, or an address with a second account.",
        "Ask whether they are one customer. If not, look for the program or the tool that joined them.",
    ),
}
"""What happened, and what to do so that it does not happen again."""

STEPS = (
    (
        "Stop it.",
        (
            "Mend the causes above first; otherwise the next customers are squished as well. sdkbridge in front "
            "of Kissmetrics holds or refuses such aliases before they leave."
        ),
    ),
    (
        "Look at the links.",
        (
            "They are the fewest that part what contradicts, but only you know your customers. Take a link off "
            "the list if it is right."
        ),
    ),
    (
        "Repair the history.",
        (
            "Kissmetrics cannot undo an alias. sdkbridge repair writes the export without these links, to be "
            "imported into a new product."
        ),
    ),
)
"""What to do, in order."""
