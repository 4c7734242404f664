from pages.shared import context

context.current().head.title("audit", anchor=False)
