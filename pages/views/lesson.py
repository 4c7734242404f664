from pages.shared import context

context.current().head.title("lesson", anchor=False)
