from pages.shared import context

context.current().head.title("noise", anchor=False)
