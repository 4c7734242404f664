from pages.shared import context

context.current().head.title("fidelity", anchor=False)
