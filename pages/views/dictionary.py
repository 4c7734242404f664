from pages.shared import context

context.current().head.title("dictionary", anchor=False)
