export default function ({parentElement}) {
  const [button, address] = parentElement.querySelectorAll("button, input");
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy link"; }, 2000);
    } catch { // no leave, or no secure connection: the reader copies it
      address.hidden = false;
      address.value = location.href;
      address.select();
    }
  };
}
