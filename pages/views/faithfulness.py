from pages.shared import context

context.current().head.title("faithfulness", anchor=False)
